"""JSON out and in; no side effects."""

from typing import Any

from rest_framework import serializers

from channels_app import rules
from channels_app.models import Channel, Member
from pods.api.asked import Asked, verbatim


class ChannelShape(serializers.ModelSerializer[Channel]):
    private = serializers.BooleanField(source="is_private")
    unread = serializers.SerializerMethodField(help_text="Null where one is not a member.")

    class Meta:
        model = Channel
        fields = (
            "slug",
            "topic",
            "private",
            "archived_at",
            "last_number",
            "last_at",
            "unread",
            "document_version",
            "created_at",
        )
        read_only_fields = fields

    def get_unread(self, channel: Channel) -> int | None:
        return getattr(channel, "unread", None)


class MemberShape(serializers.ModelSerializer[Member]):
    kind = serializers.SerializerMethodField(help_text="person or pod")
    name = serializers.SerializerMethodField()
    pod = serializers.SerializerMethodField(help_text="Its key.")
    user = serializers.SerializerMethodField(help_text="User name.")

    class Meta:
        model = Member
        fields = ("kind", "name", "pod", "user", "joined_at", "delivered", "read")
        read_only_fields = fields

    def get_kind(self, member: Member) -> str:
        return "pod" if member.pod else "person"

    def get_name(self, member: Member) -> str:
        return str(member.pod or member.user)

    def get_pod(self, member: Member) -> str | None:
        return member.pod.key if member.pod else None

    def get_user(self, member: Member) -> str | None:
        return member.user.username if member.user else None


class AuthorShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["person", "pod", "mesh"])
    name = serializers.CharField()
    pod = serializers.CharField(allow_null=True)
    user = serializers.CharField(allow_null=True)


class MentionShape(serializers.Serializer[Any]):
    pod = serializers.CharField(allow_null=True)
    user = serializers.CharField(allow_null=True)
    receipt = serializers.CharField(
        help_text="none (a person), queued, typed, held, ended, failed, unknown"
    )
    typed_at = serializers.DateTimeField(allow_null=True)


class MessageShape(serializers.Serializer[Any]):
    """Describes what `message_shape` gives."""

    number = serializers.IntegerField()
    author = AuthorShape()
    body = serializers.CharField(allow_blank=True)
    reply_to = serializers.IntegerField(allow_null=True)
    mentions = MentionShape(many=True)
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted = serializers.BooleanField()


class DocumentShape(serializers.ModelSerializer[Channel]):
    text = serializers.CharField(source="document", allow_blank=True)
    version = serializers.IntegerField(source="document_version")

    class Meta:
        model = Channel
        fields = ("text", "version")


class NewChannel(Asked):
    name = serializers.CharField(max_length=50)
    topic = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    private = serializers.BooleanField(required=False, default=False)


class NewMember(Asked):
    """Nothing: oneself. Else a Pod's key or a user name."""

    pod = serializers.CharField(max_length=32, required=False)
    user = serializers.CharField(max_length=150, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) > 1:
            raise serializers.ValidationError("Give either pod or user.")
        return attrs


class NewMessage(Asked):
    body = verbatim(required=True, help_text="Markdown; @name and @pod-key call somebody.")
    mentions = serializers.ListField(
        child=serializers.CharField(max_length=150), required=False, max_length=rules.MAX_MENTIONS
    )
    reply_to = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)


class EditedMessage(Asked):
    body = verbatim(required=True)


class NewDocument(Asked):
    text = verbatim(required=True, allow_blank=True)
    version = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, help_text="The one that was read."
    )


class Marked(Asked):
    read = serializers.IntegerField(min_value=0, max_value=2**63 - 1)
