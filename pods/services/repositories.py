"""Repositories that Workspaces are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from accounts.actor import Actor
from accounts.audit import record
from pods.access import check_may_create
from pods.errors import ConflictError, NotAllowedError, RefusedError
from pods.lifecycle import ENDED
from pods.models import CredentialSet, Pod, Repository
from pods.models.repository import SETUP_MAX_S
from pods.news import announce
from pods.services import inputs

GLOBS_MAX = 50
SCRIPT_MAX = 64 * 1024  # bytes


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


@dataclass(frozen=True, slots=True)
class RepositorySettings:
    """What is to change; None: it stays. `credentials`: slug of a set of the Organization, empty for none."""

    name: str | None = None
    default_branch: str | None = None
    copy_from: str | None = None
    copy_globs: Sequence[str] | None = None
    setup_script: str | None = None
    setup_timeout_s: int | None = None
    credentials: str | None = None


def change_repository(
    repository: Repository, *, by: Actor, settings: RepositorySettings
) -> Repository:
    """What new Workspaces of it get. Raises RefusedError, NotAllowedError for others than admins."""
    if not by.manages_all:
        raise NotAllowedError("not_an_admin", "Only admins and owners change repositories.")
    _check_settings(settings)
    given = {name: value for name, value in _columns(settings).items() if value is not None}
    if settings.credentials is not None:
        given["git_credentials"] = _credentials(by, settings.credentials)
    with transaction.atomic():
        for name, value in given.items():
            setattr(repository, name, value)
        repository.save(update_fields=list(given))
        record(by, "repository.change", repository.slug, changed=sorted(given))
        announce(by.organization_id, "repository", repository.slug)
    return repository


def _columns(settings: RepositorySettings) -> dict[str, Any]:
    globs = settings.copy_globs
    return {
        "name": settings.name,
        "default_branch": settings.default_branch,
        "copy_from": settings.copy_from,
        "copy_globs": None if globs is None else list(globs),
        "setup_script": settings.setup_script,
        "setup_timeout_s": settings.setup_timeout_s,
    }


def _check_settings(settings: RepositorySettings) -> None:
    if settings.name is not None:
        inputs.check_name(settings.name)
    if settings.default_branch:
        inputs.check_ref(settings.default_branch, field="default_branch")
    source = settings.copy_from
    if source and (not source.startswith("/") or ".." in source.split("/") or "\0" in source):
        raise RefusedError(
            "bad_copy_from", "Give an absolute path on the Runner.", field="copy_from"
        )
    for glob in settings.copy_globs or ():
        if not glob.strip("/") or ".." in glob.split("/") or not glob.isprintable():
            raise RefusedError(
                "bad_copy_globs", f"“{glob[:80]}” is no pattern.", field="copy_globs"
            )
    if len(settings.copy_globs or ()) > GLOBS_MAX:
        raise RefusedError("bad_copy_globs", f"At most {GLOBS_MAX} patterns.", field="copy_globs")
    _check_setup(settings)


def _check_setup(settings: RepositorySettings) -> None:
    script, limit = settings.setup_script or "", settings.setup_timeout_s
    if len(script.encode()) > SCRIPT_MAX or "\0" in script:
        raise RefusedError(
            "bad_setup_script", f"A script has at most {SCRIPT_MAX} bytes.", field="setup_script"
        )
    if limit is not None and not 1 <= limit <= SETUP_MAX_S:
        raise RefusedError(
            "bad_setup_timeout_s", f"1 to {SETUP_MAX_S} seconds.", field="setup_timeout_s"
        )


def _credentials(by: Actor, slug: str) -> CredentialSet | None:
    """A set of the Organization's: everybody's pushes are made with it."""
    if not slug:
        return None
    shared = CredentialSet.objects.filter(organization_id=by.organization_id, user=None)
    found = shared.filter(slug=slug).first()
    if found is None:
        raise RefusedError(
            "unknown_credentials",
            f"The organization has no credential set “{slug[:80]}” of its own.",
            field="credentials",
        )
    return found


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
