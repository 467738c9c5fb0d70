"""Channels for operators of the installation, who see all Organizations. Nothing is edited here."""

from django.contrib import admin
from unfold.admin import TabularInline

from accounts.admin import ReadOnlyAdmin
from channels_app.models import Channel, Member, Mention, Message


class MemberInline(TabularInline):
    model = Member
    extra = 0
    fields = readonly_fields = ("user", "pod", "joined_at", "delivered", "read")
    can_delete = False

    def has_add_permission(self, _request: object, _obj: object = None) -> bool:
        return False


@admin.register(Channel)
class ChannelAdmin(ReadOnlyAdmin):
    list_display = (
        "slug",
        "topic",
        "is_private",
        "organization",
        "last_number",
        "last_at",
        "archived_at",
    )
    list_filter = ("is_private", "organization")
    search_fields = ("slug", "topic")
    list_select_related = ("organization",)
    inlines = (MemberInline,)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("channel", "number", "author_name", "is_notice", "created_at", "deleted_at")
    list_filter = ("is_notice", "channel__organization")
    search_fields = ("body", "author_name", "channel__slug")
    list_select_related = ("channel",)


@admin.register(Mention)
class MentionAdmin(ReadOnlyAdmin):
    list_display = ("message", "user", "pod", "receipt", "at", "typed_at")
    list_filter = ("receipt",)
    search_fields = ("pod__key", "user__username")
    list_select_related = ("message", "user", "pod")
