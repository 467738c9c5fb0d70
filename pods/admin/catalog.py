"""What can be launched, with whose keys, and from where: agent types, credential sets and repositories."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.admin import ReadOnlyAdmin
from pods.declarations import Declaration
from pods.errors import RefusedError
from pods.models import AgentType, CredentialSet, Repository
from pods.services.agent_types import as_written, checked, columns


class AgentTypeForm(forms.ModelForm):  # type: ignore[type-arg] # a plain class at run time
    """The declaration as TOML. Without an organization the agent type is there for all of them."""

    toml = forms.CharField(
        label="Declaration",
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 40, "spellcheck": "false"}),
        help_text="docs/agent-types.md describes it.",
    )

    class Meta:
        model = AgentType
        fields = ("organization", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "toml" in self.fields:
            self.fields["toml"].initial = as_written(self.instance)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if text := given.get("toml", "").replace("\r\n", "\n"):
            try:
                given["toml"], self.declared = text, checked(text)
            except RefusedError as error:
                said = [f"{each['key']}: {each['text']}" for each in error.detail["problems"]]
                raise ValidationError({"toml": said}) from error
            self._check_slug(self.declared, given)
        return given

    def _check_slug(self, declared: Declaration, given: dict[str, Any]) -> None:
        same = AgentType.objects.filter(
            slug=declared["slug"], organization=given.get("organization")
        ).exclude(pk=self.instance.pk)
        if same.exists():
            raise ValidationError({"toml": f"There already is an agent type “{declared['slug']}”."})


@admin.register(AgentType)
class AgentTypeAdmin(ModelAdmin):
    form = AgentTypeForm
    list_display = ("name", "slug", "organization", "origin", "version", "tested", "enabled")
    list_filter = ("enabled", "origin", "organization")
    search_fields = ("name", "slug")

    def get_form(
        self,
        request: HttpRequest,
        obj: AgentType | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - as the admin calls it
        **kwargs: Any,
    ) -> Any:
        if _is_of_a_file(obj):
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, _request: HttpRequest, obj: AgentType | None = None) -> Any:
        """Those that come from files are edited there; here they are only turned on and off."""
        if _is_of_a_file(obj):
            return ("name", "slug", "origin", "written", "enabled")
        return ("organization", "toml", "enabled")

    def get_readonly_fields(self, _request: HttpRequest, obj: AgentType | None = None) -> Any:
        return ("name", "slug", "origin", "written") if _is_of_a_file(obj) else ()

    def save_model(
        self,
        request: HttpRequest,
        obj: AgentType,
        form: Any,
        change: bool,  # noqa: FBT001 - as the admin calls it
    ) -> None:
        if text := form.cleaned_data.get("toml"):
            obj.slug = form.declared["slug"]
            for name, value in columns(form.declared, text).items():
                setattr(obj, name, value)
        super().save_model(request, obj, form, change)

    @admin.display(description="Declaration")
    def written(self, agent_type: AgentType) -> str:
        return as_written(agent_type)

    @admin.display
    def version(self, agent_type: AgentType) -> str:
        return str(agent_type.declared["install"]["version"])

    @admin.display
    def tested(self, agent_type: AgentType) -> str:
        return str(agent_type.declared["install"]["tested"])


def _is_of_a_file(agent_type: AgentType | None) -> bool:
    return agent_type is not None and agent_type.origin != AgentType.Origin.MADE


@admin.register(CredentialSet)
class CredentialSetAdmin(ReadOnlyAdmin):
    """Which sets there are and whose; nothing of their secrets."""

    list_display = ("name", "slug", "organization", "user", "provider", "model", "changed_at")
    list_filter = ("provider", "organization")
    search_fields = ("name", "slug", "user__username")
    list_select_related = ("organization", "user")


@admin.register(Repository)
class RepositoryAdmin(ModelAdmin):
    list_display = ("name", "slug", "organization", "url", "default_branch")
    list_filter = ("organization",)
    search_fields = ("name", "slug", "url")
    prepopulated_fields = {"slug": ("name",)}
