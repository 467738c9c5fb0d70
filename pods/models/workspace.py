from django.db import models
from django.utils.timezone import now

from accounts.models import Organization
from pods.models.repository import Repository
from pods.models.runner import Runner


class Workspace(models.Model):
    """The directory a Pod works in: a git worktree on a branch of its own, or an empty directory."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="workspaces"
    )
    runner = models.ForeignKey(
        Runner, null=True, on_delete=models.SET_NULL, related_name="workspaces"
    )
    repository = models.ForeignKey(
        Repository, null=True, blank=True, on_delete=models.SET_NULL, related_name="workspaces"
    )
    base = models.CharField(max_length=200, blank=True)  # as asked for; empty: the default branch
    branch = models.CharField(max_length=200, blank=True)
    base_commit = models.CharField(max_length=64, blank=True)
    path = models.CharField(max_length=500, blank=True)  # on the Runner; known once it is made
    summary = models.JSONField(default=dict, blank=True)  # {added, removed, dirty, ahead, as_of}
    merge_url = models.URLField(max_length=500, blank=True)  # of the merge request made from it
    removal_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)  # to the trash
    kept_because = models.CharField(max_length=500, blank=True, editable=False)  # at the last try
    created_at = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return self.branch or self.path or f"workspace {self.pk}"
