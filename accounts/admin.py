"""Accounts for operators of the installation, who see all Organizations. Actions call services."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import services
from accounts.access import operator_actor
from accounts.errors import MeshError
from accounts.invitations import withdraw_invitation
from accounts.models import ApiToken, AuditEvent, Invitation, Membership, Organization, Role, User

admin.site.unregister(Group)  # roles are Memberships


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only services write: shown, never edited."""

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    fields = ("user", "organization", "role", "created_at")
    readonly_fields = fields
    can_delete = False

    def has_add_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False


@admin.register(Organization)
class OrganizationAdmin(ModelAdmin):
    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (MembershipInline,)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg] # a plain class at run time
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "last_login")
    inlines = (MembershipInline,)


@admin.register(Membership)
class MembershipAdmin(ModelAdmin):
    """Made by the form, changed and ended by actions: the rules are those of every other door."""

    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role", "organization")
    search_fields = ("user__username", "organization__name")
    autocomplete_fields = ("user", "organization")
    actions = ("remove", *(f"make_{role}" for role in Role))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)  # who may act in any Organization

    def has_change_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, membership: Membership, *_: Any) -> None:
        made = services.add_member(
            organization=membership.organization,
            user=membership.user,
            role=Role(membership.role),
            by=operator_actor(request.user, membership.organization_id),
        )
        membership.pk = made.pk

    @admin.action(description="Remove from the Organization", permissions=["view"])
    def remove(self, request: HttpRequest, members: QuerySet[Membership]) -> None:
        self._each(request, members, services.remove_member)

    @admin.action(description="Make owner", permissions=["view"])
    def make_owner(self, request: HttpRequest, members: QuerySet[Membership]) -> None:
        self._each(request, members, partial(services.change_role, role=Role.OWNER))

    @admin.action(description="Make admin", permissions=["view"])
    def make_admin(self, request: HttpRequest, members: QuerySet[Membership]) -> None:
        self._each(request, members, partial(services.change_role, role=Role.ADMIN))

    @admin.action(description="Make member", permissions=["view"])
    def make_member(self, request: HttpRequest, members: QuerySet[Membership]) -> None:
        self._each(request, members, partial(services.change_role, role=Role.MEMBER))

    @admin.action(description="Make viewer", permissions=["view"])
    def make_viewer(self, request: HttpRequest, members: QuerySet[Membership]) -> None:
        self._each(request, members, partial(services.change_role, role=Role.VIEWER))

    def _each(
        self, request: HttpRequest, members: QuerySet[Membership], do: Callable[..., None]
    ) -> None:
        for each in members.select_related("organization", "user"):
            try:
                do(each, by=operator_actor(request.user, each.organization_id))
            except MeshError as error:
                messages.warning(request, f"{each.user}: {error.message}")
            else:
                messages.success(request, f"{each.user}: done.")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "hint",
        "user",
        "organization",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = ("organization",)
    search_fields = ("name", "hint", "user__username")
    actions = ("revoke",)
    exclude = ("digest",)

    @admin.action(description="Revoke", permissions=["view"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        for token in tokens.select_related("organization", "user"):
            services.revoke_api_token(token, by=operator_actor(request.user, token.organization_id))
        messages.success(request, "Revoked. Scripts that use them are refused from now on.")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = (
        *("organization", "role", "invited_by", "created_at"),
        *("expires_at", "used_at", "withdrawn_at"),
    )
    list_filter = ("organization", "role")
    actions = ("withdraw",)
    exclude = ("digest",)

    @admin.action(description="Withdraw", permissions=["view"])
    def withdraw(self, request: HttpRequest, invitations: QuerySet[Invitation]) -> None:
        for each in invitations.select_related("organization"):
            withdraw_invitation(each, by=operator_actor(request.user, each.organization_id))
        messages.success(request, "Withdrawn. Nobody joins by them any more.")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor_name", "actor_kind", "action", "target", "organization")
    list_filter = ("action", "actor_kind", "organization")
    search_fields = ("actor_name", "target", "action")
    date_hierarchy = "at"
