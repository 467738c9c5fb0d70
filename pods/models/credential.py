import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from accounts.models import Organization, User
from pods.declarations import PROVIDERS


class CredentialSetQuerySet(models.QuerySet["CredentialSet"]):
    def usable_by(self, organization_id: int, user_id: int | None) -> "CredentialSetQuerySet":
        """The Organization's, and this person's own there."""
        own = Q(user=None) if user_id is None else Q(user=None) | Q(user_id=user_id)
        return self.filter(own, organization_id=organization_id)


class CredentialSet(models.Model):
    """Keys and settings of a model provider: one person's, or without a person the Organization's."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="credential_sets"
    )
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="credential_sets"
    )
    slug = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    provider = models.CharField(max_length=20, choices=list(PROVIDERS.items()))
    model = models.CharField(max_length=100, blank=True)  # for Pods that name none
    created_at = models.DateTimeField(default=now, editable=False)
    changed_at = models.DateTimeField(default=now, editable=False)

    objects = CredentialSetQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "slug"],
                condition=Q(user=None),
                name="credential_slug_per_organization",
            ),
            models.UniqueConstraint(
                fields=["organization", "user", "slug"], name="credential_slug_per_person"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Secret(models.Model):
    """One value of a set, encrypted. Its id is what Commands and specs hold instead of the value."""

    class Part(models.TextChoices):
        API_KEY = "api_key"
        BASE_URL = "base_url"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    credentials = models.ForeignKey(CredentialSet, on_delete=models.CASCADE, related_name="secrets")
    part = models.CharField(max_length=10, choices=Part)
    hint = models.CharField(max_length=4, blank=True)  # last characters, to recognise it by
    key_id = models.CharField(max_length=16, db_index=True)  # which key wrapped the data key
    wrapped_key = models.BinaryField()
    sealed = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["credentials", "part"], name="one_secret_of_each_part")
        ]

    def __str__(self) -> str:
        return f"{self.part} of {self.credentials_id}"

    @property
    def context(self) -> str:
        """What the ciphertext is bound to: in another row, or another Organization's, it does not open."""
        return f"{self.credentials.organization_id}:{self.pk}"
