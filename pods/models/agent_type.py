from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Organization
from pods.declarations import Declaration, simple


class AgentTypeQuerySet(models.QuerySet["AgentType"]):
    def visible_to(self, organization_id: int) -> "AgentTypeQuerySet":
        """The built-in ones and the Organization's own."""
        return self.filter(Q(organization=None) | Q(organization_id=organization_id), enabled=True)


class AgentType(models.Model):
    """What to launch, as data. Without an Organization it is the installation's, for all."""

    class Origin(models.TextChoices):
        BUILT_IN = "built_in"  # comes with Mesh, and changes with it
        FILE = "file"  # a file below MESH_HOME/agent-types
        MADE = "made"  # by REST, a page or the admin

    organization = models.ForeignKey(
        Organization, null=True, blank=True, on_delete=models.CASCADE, related_name="agent_types"
    )
    slug = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)
    declaration = models.JSONField(default=dict, blank=True)  # checked by pods.declarations
    source = models.TextField(blank=True)  # the TOML it was written as, if it was
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.MADE, editable=False)

    # Of rows made before there were declarations: a command line and nothing more.
    argv = models.JSONField(default=list, blank=True, editable=False)
    env = models.JSONField(default=dict, blank=True, editable=False)
    detect = models.CharField(max_length=100, blank=True, editable=False)
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

    @property
    def declared(self) -> Declaration:
        return self.declaration or simple(
            slug=self.slug, name=self.name, argv=self.argv, env=self.env, program=self.detect
        )

    @property
    def takes_argv(self) -> bool:
        """Its command line comes with each Pod."""
        return not self.declared["launch"]["argv"]
