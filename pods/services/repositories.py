"""Repositories that Workspaces are made from."""

from django.db import transaction
from django.utils.text import slugify

from accounts.actor import Actor
from accounts.audit import record
from pods.access import check_may_create
from pods.errors import ConflictError, NotAllowedError, RefusedError
from pods.lifecycle import ENDED
from pods.models import Pod, Repository
from pods.news import announce
from pods.services import inputs


def create_repository(*, by: Actor, name: str, url: str, default_branch: str = "") -> Repository:
    """Its slug is made from its name. Nothing is fetched before a Pod needs it."""
    check_may_create(by)
    inputs.check_name(name)
    inputs.check_url(url)
    if default_branch:
        inputs.check_ref(default_branch, field="default_branch")
    slug = slugify(name)[:60]
    if not slug:
        raise RefusedError("bad_name", "A name needs at least one letter or digit.", field="name")
    with transaction.atomic():
        repository, made = Repository.objects.get_or_create(
            organization_id=by.organization_id,
            slug=slug,
            defaults={"name": name, "url": url, "default_branch": default_branch},
        )
        if not made:
            raise ConflictError(
                "repository_exists", f"There already is a repository “{slug}”.", slug=slug
            )
        record(by, "repository.create", slug, url=url)
        announce(by.organization_id, "repository", slug)
    return repository


def remove_repository(repository: Repository, *, by: Actor) -> None:
    """Forget the address; clones and worktrees stay where they are. Raises ConflictError while Pods use it."""
    if not by.manages_all:
        raise NotAllowedError("not_an_admin", "Only admins and owners remove repositories.")
    using = Pod.objects.filter(workspace__repository=repository).exclude(state__in=ENDED)
    if using.exists():
        raise ConflictError("repository_in_use", f"Pods still work on {repository.name}.")
    slug = repository.slug
    with transaction.atomic():
        repository.delete()
        record(by, "repository.remove", slug)
        announce(by.organization_id, "repository", slug)
