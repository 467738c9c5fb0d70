"""Who may do what: people, Organizations, tokens, and the record of what was done."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.timezone import now

from accounts.policies import BindingPolicy, PermissionMode


class User(AbstractUser):
    """A person. Belongs to Organizations by Membership."""

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Organization(models.Model):
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=50, unique=True)
    binding_policy = models.CharField(
        max_length=10,
        choices=[(policy, policy) for policy in BindingPolicy],
        default=BindingPolicy.SAME_OWNER,
        help_text="Who answers when a Pod asks to watch or drive another one.",
    )
    max_pods = models.PositiveIntegerField(default=100, help_text="Pods that have not ended.")
    max_children = models.PositiveIntegerField(default=8, help_text="Live Pods made by one Pod.")
    max_depth = models.PositiveIntegerField(
        default=3, help_text="Generations of Pods below one that a person made."
    )
    lost_after_hours = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Pods of a Runner that is silent for so long are lost; empty: only when you say so.",
    )
    default_permissions = models.CharField(
        max_length=10,
        choices=[(mode, mode) for mode in PermissionMode],
        default=PermissionMode.ASK,
        help_text="What agents may do unasked, where nothing else is chosen.",
    )
    created_at = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class Membership(models.Model):
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "user"], name="one_membership_per_organization"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization} as {self.role}"


class ApiToken(models.Model):
    """A person's key for scripts, in one Organization. Only its SHA-256 is kept."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="tokens")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    hint = models.CharField(max_length=16, editable=False)  # first characters, to recognise it by
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class LoginLink(models.Model):
    """A one-time way to sign in, printed by `make run`. Only its SHA-256 is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="login_links")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"login link for {self.user}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def usable(self) -> "InvitationQuerySet":
        return self.filter(used_at=None, withdrawn_at=None, expires_at__gt=now())


class Invitation(models.Model):
    """A link that makes whoever opens it a member, once. Only its SHA-256 is kept."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="invitations"
    )
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"invitation to {self.organization} as {self.role}"


class AuditEvent(models.Model):
    """One line of who did what. Written in the transaction of what it records; never changed."""

    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.SET_NULL, related_name="audit_events"
    )
    at = models.DateTimeField(default=now, editable=False, db_index=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=40, blank=True)
    actor_name = models.CharField(max_length=150, blank=True)
    action = models.CharField(max_length=60)  # such as "pod.create"
    target = models.CharField(max_length=150, blank=True)
    detail = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.target}"
