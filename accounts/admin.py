"""Accounts for operators of the installation, who see all Organizations. Actions call services."""

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import services
from accounts.access import operator_actor
from accounts.invitations import withdraw_invitation
from accounts.models import ApiToken, AuditEvent, Invitation, Membership, Organization, User

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
    autocomplete_fields = ("user", "organization")


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
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role", "organization")
    search_fields = ("user__username", "organization__name")
    autocomplete_fields = ("user", "organization")


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
