"""Who may watch or drive whom, and who typed what."""

from django.contrib import admin
from unfold.decorators import display

from accounts.admin import ReadOnlyAdmin
from pods.models import Binding, InputRecord

STATE_LABELS = {
    "requested": "warning",
    "active": "success",
    "rejected": "danger",
    "expired": "danger",
}


@admin.register(Binding)
class BindingAdmin(ReadOnlyAdmin):
    list_display = (
        "holder",
        "target",
        "can_write",
        "shown_state",
        "decided_by",
        "organization",
        "created_at",
    )
    list_filter = ("state", "can_write", "organization")
    search_fields = ("holder__key", "target__key", "reason")
    list_select_related = ("holder", "target", "organization")

    @display(description="State", ordering="state", label=STATE_LABELS)
    def shown_state(self, binding: Binding) -> str:
        return binding.state


@admin.register(InputRecord)
class InputRecordAdmin(ReadOnlyAdmin):
    list_display = ("at", "pod", "author_kind", "author_name", "length", "offset", "is_hidden")
    list_filter = ("author_kind",)
    search_fields = ("pod__key", "author_name")
    list_select_related = ("pod",)
