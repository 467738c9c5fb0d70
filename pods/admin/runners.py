"""Runners, their certificates and enrollment tokens, and the gateways that hold their Sessions."""

from collections.abc import Callable
from functools import partial
from typing import cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from accounts.access import operator_actor
from accounts.actor import Actor
from accounts.admin import ReadOnlyAdmin
from pods.errors import MeshError
from pods.models import Certificate, EnrollmentToken, Gateway, Runner
from pods.models.runner import RunnerQuerySet
from pods.services import runners
from pods.services.lost import declare_lost
from pods.services.session_health import health_of, with_open_commands


@admin.register(Runner)
class RunnerAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "shown_health",
        "organization",
        "hostname",
        "os",
        "version",
        "capacity",
        "gateway",
        "attached_at",
        "shown_round_trip",
        "shown_clock",
        "unacknowledged_bytes",
        "shown_commands",
        "seen_at",
    )
    list_filter = ("organization", "isolation")
    search_fields = ("name", "hostname")
    actions = ("drain", "resume", "disable", "enable", "lend_login", "keep_login", "lose", "revoke")

    @display(
        description="Health",
        label={
            "online": "success",
            "offline": "danger",
            "draining": "warning",
            "disabled": "warning",
        },
    )
    def shown_health(self, runner: Runner) -> str:
        if runner.disabled_at or runner.retired_at:
            return "disabled"
        if not runner.is_online:
            return "offline"
        return "draining" if runner.draining_since else "online"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Runner]:
        return with_open_commands(cast("RunnerQuerySet", super().get_queryset(request)))

    @display(description="Round trip")
    def shown_round_trip(self, runner: Runner) -> str:
        health = health_of(runner)
        return (
            "" if not health or health.round_trip_ms is None else f"{health.round_trip_ms:.0f} ms"
        )

    @display(description="Clock ahead", label={"off": "warning"})
    def shown_clock(self, runner: Runner) -> tuple[str, str] | str:
        health = health_of(runner)
        if not health or health.clock_offset_ms is None:
            return ""
        return "off" if health.clock_is_off else "", f"{health.clock_offset_ms / 1000:+.1f} s"

    @display(description="Commands: unacknowledged, waiting")
    def shown_commands(self, runner: Runner) -> str:
        health = health_of(runner)
        return f"{health.unacknowledged_commands}, {health.waiting_commands}" if health else ""

    @admin.action(description="Drain: take no new Pods", permissions=["view"])
    def drain(self, request: HttpRequest, chosen: QuerySet[Runner]) -> None:
        _each(request, chosen, runners.drain_runner, "takes no new Pods")

    @admin.action(description="Resume: take new Pods again", permissions=["view"])
    def resume(self, request: HttpRequest, chosen: QuerySet[Runner]) -> None:
        _each(request, chosen, runners.resume_runner, "takes new Pods")

    @admin.action(description="Disable: close its Session until enabled", permissions=["view"])
    def disable(self, request: HttpRequest, chosen: QuerySet[Runner]) -> None:
        _each(request, chosen, runners.disable_runner, "is disabled")

    @admin.action(description="Enable", permissions=["view"])
    def enable(self, request: HttpRequest, chosen: QuerySet[Runner]) -> None:
        _each(request, chosen, runners.enable_runner, "is enabled")

    @admin.action(description="Lend its own logins to Pods", permissions=["view"])
    def lend_login(self, request: HttpRequest, chosen: QuerySet[Runner]) -> None:
        _each(request, chosen, partial(runners.lend_login, lent=True), "lends its own logins")

    @admin.action(description="Keep its own logins from Pods", permissions=["view"])
    def keep_login(self, request: HttpRequest, chosen: QuerySet[Runner]) -> None:
        _each(request, chosen, partial(runners.lend_login, lent=False), "keeps its own logins")

    @admin.action(description="It does not come back: its Pods are lost", permissions=["view"])
    def lose(self, request: HttpRequest, chosen: QuerySet[Runner]) -> None:
        _each(request, chosen, declare_lost, "is given up; its Pods are lost")

    @admin.action(description="Revoke its certificates", permissions=["view"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[Runner]) -> None:
        _each(request, chosen, runners.revoke_runner, "is revoked; it must enroll again")


def _each(
    request: HttpRequest, chosen: QuerySet[Runner], verb: Callable[..., object], said: str
) -> None:
    for runner in chosen:
        actor: Actor = operator_actor(request.user, runner.organization_id)
        try:
            verb(runner, by=actor)
        except MeshError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{runner.name} {said}.")


@admin.register(Certificate)
class CertificateAdmin(ReadOnlyAdmin):
    list_display = ("serial", "runner", "not_before", "not_after", "revoked_at")
    list_filter = ("runner",)
    search_fields = ("serial", "fingerprint", "runner__name")


@admin.register(EnrollmentToken)
class EnrollmentTokenAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "organization",
        "created_by",
        "created_at",
        "expires_at",
        "used_at",
        "runner",
    )
    list_filter = ("organization",)
    exclude = ("digest",)


@admin.register(Gateway)
class GatewayAdmin(ReadOnlyAdmin):
    list_display = ("id", "address", "started_at", "seen_at")
