from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Organization


class AgentTypeQuerySet(models.QuerySet["AgentType"]):
    def visible_to(self, organization_id: int) -> "AgentTypeQuerySet":
        """The built-in ones and the Organization's own."""
        return self.filter(Q(organization=None) | Q(organization_id=organization_id), enabled=True)


class AgentType(models.Model):
    """What to launch, as data. Without an Organization it is built in."""

    organization = models.ForeignKey(
        Organization, null=True, blank=True, on_delete=models.CASCADE, related_name="agent_types"
    )
    slug = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)
    argv = models.JSONField(
        default=list,
        blank=True,
        help_text='Command line, such as ["bash", "-l"]. Empty: given with each Pod (custom).',
    )
    env = models.JSONField(default=dict, blank=True)
    detect = models.CharField(
        max_length=100,
        blank=True,
        help_text="Program that must be on the Runner's PATH. Empty: comes with the Runner.",
    )
    enabled = models.BooleanField(default=True)

    objects = AgentTypeQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "slug"], name="agent_type_slug_per_organization"
            ),
            models.UniqueConstraint(
                fields=["slug"], condition=Q(organization=None), name="built_in_agent_type_slug"
            ),
        ]

    def __str__(self) -> str:
        return self.name
