from typing import ClassVar

from django.db import models
from django.utils.timezone import now

from accounts.models import Organization


class Repository(models.Model):
    """A git repository that Workspaces are made from."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="repositories"
    )
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=100)
    url = models.CharField(max_length=500)
    default_branch = models.CharField(
        max_length=200, blank=True, help_text="Empty: what the remote's HEAD names."
    )
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        verbose_name_plural = "repositories"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "slug"], name="repository_slug_per_organization"
            )
        ]

    def __str__(self) -> str:
        return self.name
