"""JSON out and in; no side effects."""

from typing import Any

from rest_framework import serializers

from channels_app import rules
from channels_app.models import Channel, Member, Message


class ChannelShape(serializers.ModelSerializer[Channel]):
    archived = serializers.BooleanField(source="archived_at")
    private = serializers.BooleanField(source="is_private")
    unread = serializers.IntegerField(read_only=True, allow_null=True, default=None)

    class Meta:
        model = Channel
        fields = (
            "slug",
            "topic",
            "private",
            "archived",
            "last_number",
            "last_at",
            "unread",
            "document_version",
            "created_at",
        )

    def to_representation(self, channel: Channel) -> dict[str, Any]:
        return super().to_representation(channel) | {"archived": channel.archived_at is not None}


class MemberShape(serializers.Serializer[Member]):
    def to_representation(self, member: Member) -> dict[str, Any]:
        who = (
            {"kind": "pod", "name": str(member.pod), "pod": member.pod.key}
            if member.pod
            else {"kind": "person", "name": str(member.user), "user": member.user.username}
        )
        return who | {
            "joined_at": serializers.DateTimeField().to_representation(member.joined_at),
            "delivered": member.delivered,
            "read": member.read,
        }


def message_shape(message: Message) -> dict[str, Any]:
    """A message as REST and tools tell of it; a deleted one keeps its number."""
    moment = serializers.DateTimeField()
    return {
        "number": message.number,
        "author": {
            "kind": "mesh" if message.is_notice else "pod" if message.author_pod else "person",
            "name": message.author_name,
            "pod": message.author_pod.key if message.author_pod else None,
            "user": message.author_user.username if message.author_user else None,
        },
        "body": message.body,
        "reply_to": message.reply_to.number if message.reply_to else None,
        "mentions": [
            {"name": m.user.username if m.user else m.pod.key, "receipt": m.receipt}
            for m in message.mentions.all()
        ],
        "created_at": moment.to_representation(message.created_at),
        "edited_at": message.edited_at and moment.to_representation(message.edited_at),
        "deleted": message.deleted_at is not None,
    }


class NewChannel(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=50)
    topic = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    private = serializers.BooleanField(required=False, default=False)


class NewMember(serializers.Serializer[Any]):
    """Nothing: oneself. Else a Pod's key or a user name."""

    pod = serializers.CharField(max_length=32, required=False)
    user = serializers.CharField(max_length=150, required=False)


class NewMessage(serializers.Serializer[Any]):
    body = serializers.CharField(max_length=rules.MAX_BODY, trim_whitespace=False)
    mentions = serializers.ListField(
        child=serializers.CharField(max_length=150), required=False, max_length=rules.MAX_MENTIONS
    )
    reply_to = serializers.IntegerField(min_value=1, required=False, allow_null=True)


class EditedMessage(serializers.Serializer[Any]):
    body = serializers.CharField(max_length=rules.MAX_BODY, trim_whitespace=False)


class Document(serializers.Serializer[Any]):
    text = serializers.CharField(
        max_length=rules.MAX_DOCUMENT, allow_blank=True, trim_whitespace=False
    )
    version = serializers.IntegerField(min_value=0)


class Marked(serializers.Serializer[Any]):
    read = serializers.IntegerField(min_value=0)
