from typing import ClassVar

from django.db import models
from django.utils.timezone import now

from accounts.models import Organization
from pods.models.credential import CredentialSet

SETUP_S, SETUP_MAX_S = 300, 3600


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
    copy_from = models.CharField(
        max_length=500,
        blank=True,
        help_text="Directory on the Runner that ignored files are copied from; its operator allows it.",
    )
    copy_globs = models.JSONField(
        default=list, blank=True, help_text='Which of them, such as [".env", "node_modules"].'
    )
    setup_script = models.TextField(
        blank=True, help_text="For sh, run in each new Workspace before the agent."
    )
    setup_timeout_s = models.PositiveIntegerField(default=SETUP_S)
    git_credentials = models.ForeignKey(
        CredentialSet,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Its key is the token that pushes and merge requests are made with.",
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
