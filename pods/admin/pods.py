"""Pods, their steps, and the Commands sent for them."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.decorators import display

from accounts.access import operator_actor
from accounts.admin import ReadOnlyAdmin
from pods.errors import MeshError
from pods.models import Command, Pod, PodEvent, Workspace
from pods.services.pods import terminate_pod

STATE_LABELS = {
    "running": "info",
    "starting": "info",
    "stopping": "warning",
    "completed": "success",
    "failed": "danger",
    "lost": "danger",
}
COMMAND_LABELS = {
    "done": "success",
    "failed": "danger",
    "unknown": "danger",
    "expired": "warning",
    "sent": "info",
    "acked": "info",
}


class PodEventInline(TabularInline):
    model = PodEvent
    extra = 0
    fields = readonly_fields = ("at", "kind", "was", "state", "step", "text")
    can_delete = False

    def has_add_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False


@admin.register(Pod)
class PodAdmin(ReadOnlyAdmin):
    list_display = (
        "key",
        "name",
        "shown_state",
        "agent_type",
        "runner",
        "owner",
        "organization",
        "created_at",
    )
    list_filter = ("state", "agent_type", "runner", "organization")
    search_fields = ("key", "name", "owner__username")
    list_select_related = ("agent_type", "runner", "owner", "organization")
    inlines = (PodEventInline,)
    actions = ("terminate",)

    @display(description="State", ordering="state", label=STATE_LABELS)
    def shown_state(self, pod: Pod) -> str:
        return pod.state

    @admin.action(description="Terminate", permissions=["view"])
    def terminate(self, request: HttpRequest, pods: QuerySet[Pod]) -> None:
        for pod in pods:
            try:
                terminate_pod(pod, by=operator_actor(request.user, pod.organization_id))
            except MeshError as error:
                messages.warning(request, f"{pod.key}: {error.message}")
            else:
                messages.success(request, f"{pod.key} is being ended.")


@admin.register(Command)
class CommandAdmin(ReadOnlyAdmin):
    list_display = (
        "runner",
        "seq",
        "kind",
        "pod",
        "shown_state",
        "sends",
        "created_at",
        "done_at",
        "error",
    )
    list_filter = ("state", "kind", "runner")
    search_fields = ("id", "pod__key")
    list_select_related = ("runner", "pod")

    @display(description="State", ordering="state", label=COMMAND_LABELS)
    def shown_state(self, command: Command) -> str:
        return command.state


@admin.register(Workspace)
class WorkspaceAdmin(ReadOnlyAdmin):
    list_display = ("id", "repository", "branch", "base", "runner", "path", "created_at")
    list_filter = ("runner", "repository", "organization")
    search_fields = ("branch", "path")


@admin.register(PodEvent)
class PodEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "pod", "kind", "was", "state", "step", "text")
    list_filter = ("kind", "state")
    search_fields = ("pod__key", "text")
