"""What goes out, as JSON."""

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.serializers import ModelSerializer, Serializer

from accounts.models import ApiToken
from pods.api.session_shape import SessionShape
from pods.lifecycle import LIVE
from pods.models import Command, Pod, PodEvent, Repository, Runner, Workspace
from pods.services.launching import version_warning
from pods.services.session_health import health_of


class RunnerBrief(Serializer[Runner]):
    """`since`: when its present Session began, or when it was last heard from."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    online = serializers.BooleanField(source="is_online")
    since = serializers.SerializerMethodField()

    def get_since(self, runner: Runner) -> str | None:
        at = runner.attached_at if runner.is_online else (runner.detached_at or runner.seen_at)
        return at.isoformat() if at else None


class WorkspaceShape(ModelSerializer[Workspace]):
    merge_url = serializers.CharField(help_text="Of the merge request made from it.")

    class Meta:
        model = Workspace
        fields = (
            *("branch", "base", "base_commit", "path", "summary"),
            *("removed_at", "kept_because", "merge_url"),
        )
        read_only_fields = fields


class PodShape(ModelSerializer[Pod]):
    agent_type = serializers.CharField(source="agent_type.slug")
    runner = RunnerBrief(allow_null=True)
    repository = serializers.SerializerMethodField()
    workspace = WorkspaceShape(allow_null=True)
    owner = serializers.SerializerMethodField(help_text="User name.")
    parent = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="Key of the Pod that made it."
    )
    waiting_for = serializers.SerializerMethodField(help_text="Why it has not started yet.")
    disconnected_since = serializers.SerializerMethodField(
        help_text="Its Runner is silent since then; what runs there goes on."
    )
    permissions = serializers.CharField(source="spec.permissions", default="")
    model = serializers.CharField(source="spec.model", default="")
    version = serializers.CharField(source="spec.version", default="")
    version_warning = serializers.SerializerMethodField(
        help_text="Said of a version outside the range that its agent type was tried with."
    )
    credentials = serializers.CharField(source="credentials.slug", default=None, allow_null=True)
    resumed_from = serializers.SerializerMethodField(
        help_text="Key of the Pod in whose Workspace it goes on."
    )
    forked_from = serializers.SerializerMethodField(
        help_text="Key of the Pod where its Workspace began."
    )
    url = serializers.SerializerMethodField(help_text="Its page.")
    terminal_url = serializers.SerializerMethodField(help_text="Its Terminal's websocket.")

    class Meta:
        model = Pod
        fields = (
            "key",
            "name",
            "state",
            "state_since",
            "reason",
            "waiting_for",
            "agent_type",
            "runner",
            "repository",
            "workspace",
            "owner",
            "parent",
            "resumed_from",
            "forked_from",
            "prompt",
            "permissions",
            "model",
            "version",
            "version_warning",
            "credentials",
            "cols",
            "rows",
            "isolation",
            "exit_code",
            "status",
            "status_text",
            "status_since",
            "agent_state",
            "agent_source",
            "agent_text",
            "agent_evidence",
            "agent_since",
            "question",
            "usage",
            "conversation",
            "created_at",
            "started_at",
            "ended_at",
            "archived_at",
            "disconnected_since",
            "url",
            "terminal_url",
        )
        read_only_fields = fields

    def get_owner(self, pod: Pod) -> str | None:
        return pod.owner.username if pod.owner else None

    def get_parent(self, pod: Pod) -> str | None:
        return pod.parent.key if pod.parent else None

    def get_resumed_from(self, pod: Pod) -> str | None:
        return pod.resumed_from.key if pod.resumed_from else None

    def get_forked_from(self, pod: Pod) -> str | None:
        return pod.forked_from.key if pod.forked_from else None

    def get_repository(self, pod: Pod) -> str | None:
        repository = pod.workspace and pod.workspace.repository
        return repository.slug if repository else None

    def get_version_warning(self, pod: Pod) -> str:
        return version_warning(pod)

    def get_waiting_for(self, pod: Pod) -> str:
        return pod.waiting_for if pod.state == "pending" else ""

    def get_disconnected_since(self, pod: Pod) -> str | None:
        runner = pod.runner
        if runner is None or pod.state not in LIVE or runner.is_online:
            return None
        at = runner.detached_at or runner.seen_at
        return at.isoformat() if at else None

    def get_url(self, pod: Pod) -> str:
        return self._request.build_absolute_uri(f"/pods/{pod.key}/")

    def get_terminal_url(self, pod: Pod) -> str:
        scheme = "wss" if self._request.is_secure() else "ws"
        return f"{scheme}://{self._request.get_host()}/ws/pods/{pod.key}/terminal/"

    @property
    def _request(self) -> HttpRequest:
        request: HttpRequest = self.context["request"]
        return request


class PodEventShape(ModelSerializer[PodEvent]):
    class Meta:
        model = PodEvent
        fields = ("id", "at", "kind", "was", "state", "step", "text")
        read_only_fields = fields


class RunnerShape(ModelSerializer[Runner]):
    online = serializers.BooleanField(source="is_online")
    since = serializers.SerializerMethodField()
    session = serializers.SerializerMethodField()
    taken = serializers.IntegerField(help_text="Pods that take a place on it, or will.")

    class Meta:
        model = Runner
        fields = (
            "id",
            "name",
            "online",
            "since",
            "session",
            "labels",
            "capacity",
            "taken",
            "agents",
            "version",
            "hostname",
            "os",
            "isolation",
            "lends_login",
            "round_trip_ms",
            "platform",
            "python",
            "protocol",
            "draining_since",
            "updating_since",
            "disabled_at",
            "created_at",
        )
        read_only_fields = fields

    def get_since(self, runner: Runner) -> str | None:
        return RunnerBrief().get_since(runner)

    @extend_schema_field(SessionShape(allow_null=True))
    def get_session(self, runner: Runner) -> dict[str, Any] | None:
        health = health_of(runner)
        return dict(SessionShape(health).data) if health else None


class CommandShape(ModelSerializer[Command]):
    pod = serializers.SerializerMethodField(help_text="Key of the Pod it is about.")
    runner = serializers.IntegerField(source="runner_id")
    result = serializers.SerializerMethodField()

    class Meta:
        model = Command
        fields = (
            "id",
            "kind",
            "pod",
            "runner",
            "state",
            "created_at",
            "sent_at",
            "acked_at",
            "done_at",
            "deadline",
            "result",
            "error_code",
            "error",
        )
        read_only_fields = fields

    def get_pod(self, command: Command) -> str | None:
        return command.pod.key if command.pod else None

    def get_result(self, command: Command) -> dict[str, Any]:
        return dict(command.result)


class RepositoryShape(ModelSerializer[Repository]):
    credentials = serializers.SerializerMethodField(help_text="Slug of the set with its token.")

    class Meta:
        model = Repository
        fields = (
            *("slug", "name", "url", "default_branch", "copy_from", "copy_globs"),
            *("setup_script", "setup_timeout_s", "credentials", "created_at"),
        )
        read_only_fields = fields

    def get_credentials(self, repository: Repository) -> str | None:
        return repository.git_credentials.slug if repository.git_credentials else None


class TokenShape(ModelSerializer[ApiToken]):
    class Meta:
        model = ApiToken
        fields = (
            "id",
            "name",
            "hint",
            "scopes",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        )
        read_only_fields = fields
