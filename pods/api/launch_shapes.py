"""What goes out of what Pods are launched with. Of a secret nothing but its last characters."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.serializers import ModelSerializer

from pods.api.documented import of
from pods.declarations import permission_modes
from pods.models import AgentType, CredentialSet
from pods.services.availability import availability

ON_A_RUNNER = of(
    "AgentOnRunner",
    runner=serializers.CharField(),
    online=serializers.BooleanField(),
    versions=serializers.ListField(child=serializers.CharField(), help_text="Found there."),
    installs=serializers.BooleanField(help_text="It is installed there when a Pod needs it."),
    problem=serializers.CharField(help_text="Why it is not available; empty: it is."),
    warning=serializers.CharField(),
)


class AgentTypeShape(ModelSerializer[AgentType]):
    built_in = serializers.SerializerMethodField()
    argv = serializers.ListField(child=serializers.CharField(), source="declared.launch.argv")
    detect = serializers.CharField(source="declared.install.program")
    version = serializers.CharField(source="declared.install.version")
    tested = serializers.CharField(source="declared.install.tested")
    permissions = serializers.SerializerMethodField()

    class Meta:
        model = AgentType
        fields: tuple[str, ...] = (
            "slug",
            "name",
            "description",
            "argv",
            "detect",
            "version",
            "tested",
            "permissions",
            "built_in",
            "enabled",
        )
        read_only_fields = fields

    def get_built_in(self, agent_type: AgentType) -> bool:
        return agent_type.organization_id is None

    def get_permissions(self, agent_type: AgentType) -> list[str]:
        return permission_modes(agent_type.declared)


class OneAgentTypeShape(AgentTypeShape):
    """`runners` comes with the context: those that are looked at."""

    declaration = serializers.DictField(source="declared")
    runners = serializers.SerializerMethodField()

    class Meta(AgentTypeShape.Meta):
        fields = (*AgentTypeShape.Meta.fields, "declaration", "runners")
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=ON_A_RUNNER))
    def get_runners(self, agent_type: AgentType) -> list[dict[str, Any]]:
        found = []
        for runner in self.context["runners"]:
            there = availability(runner, agent_type.declared)
            found.append(
                {
                    "runner": runner.name,
                    "online": runner.is_online,
                    "versions": list(there.versions),
                    "installs": there.installs,
                    "problem": there.problem,
                    "warning": there.warning,
                }
            )
        return found


class CredentialSetShape(ModelSerializer[CredentialSet]):
    """Comes from `with_use`."""

    personal = serializers.SerializerMethodField()
    has = serializers.SerializerMethodField(help_text="Which secrets it holds.")
    api_key_hint = serializers.SerializerMethodField(help_text="The key's last characters.")
    used_by = serializers.IntegerField(help_text="Pods that have not ended.")

    class Meta:
        model = CredentialSet
        fields = (
            "id",
            "slug",
            "name",
            "provider",
            "model",
            "personal",
            "has",
            "api_key_hint",
            "used_by",
            "created_at",
            "changed_at",
        )
        read_only_fields = fields

    def get_personal(self, credentials: CredentialSet) -> bool:
        return credentials.user_id is not None

    def get_has(self, credentials: CredentialSet) -> list[str]:
        return sorted(secret.part for secret in credentials.secrets.all())

    def get_api_key_hint(self, credentials: CredentialSet) -> str:
        return next((each.hint for each in credentials.secrets.all() if each.hint), "")
