"""Releases of the Runner, published by upload; updates and roll-outs, as they go."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from accounts.admin import ReadOnlyAdmin
from pods.errors import MeshError
from pods.models import Release, Rollout, UpdateAttempt
from pods.services import releases
from pods.services.releases import Signed


class Upload(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs only
    """What `mesh-runner release build` made: the archive, and the file beside it."""

    archive = forms.FileField(help_text="mesh-runner-….tar.gz")
    signed = forms.FileField(
        help_text="The file beside it: ….release.json", label="signed manifest"
    )

    class Meta:
        model = Release
        fields: tuple[str, ...] = ()

    def clean(self) -> dict[str, Any]:
        held = super().clean() or {}
        if not self.errors:
            try:
                signed = Signed.read(held["signed"].read())
                self.instance = releases.publish(held["archive"].file, signed, by=self.publisher)
            except MeshError as error:
                raise forms.ValidationError(error.message) from error
        return held

    publisher = ""


@admin.register(Release)
class ReleaseAdmin(ModelAdmin):
    """A release is published or withdrawn, never edited."""

    list_display = (
        "version",
        "platform",
        "python",
        "size",
        "published_at",
        "published_by",
        "withdrawn_at",
    )
    list_filter = ("platform", "python")
    form = Upload
    actions = ("withdraw",)

    def has_change_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False

    def get_fields(self, _request: HttpRequest, obj: Release | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("archive", "signed")
        return (*self.list_display, "sha256", "protocol_lowest", "protocol_highest", "manifest")

    def get_form(self, request: HttpRequest, *given: Any, **options: Any) -> Any:
        form = super().get_form(request, *given, **options)
        form.publisher = str(request.user)
        return form

    def save_model(self, *_: Any) -> None:
        """The form has published it."""

    def response_add(self, request: HttpRequest, obj: Release, *_: Any) -> HttpResponse:
        messages.success(request, f"{obj} is published.")
        return HttpResponseRedirect(reverse("admin:pods_release_changelist"))

    @admin.action(description="Withdraw: give it to no further Runner", permissions=["view"])
    def withdraw(self, request: HttpRequest, chosen: QuerySet[Release]) -> None:
        for release in chosen:
            releases.withdraw(release)
            messages.success(request, f"{release} is withdrawn.")


@admin.register(UpdateAttempt)
class UpdateAttemptAdmin(ReadOnlyAdmin):
    list_display = (
        "runner",
        "version",
        "was",
        "mode",
        "state",
        "reason",
        "asked_by",
        "created_at",
        "ended_at",
    )
    list_filter = ("state", "version", "runner__organization")


@admin.register(Rollout)
class RolloutAdmin(ReadOnlyAdmin):
    list_display = (
        "version",
        "organization",
        "mode",
        "state",
        "reason",
        "asked_by",
        "created_at",
        "ended_at",
    )
    list_filter = ("state", "organization")
