"""Keys and settings of model providers: kept, changed, chosen for a Pod, taken away. Nobody is shown them again."""

import re
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils.text import slugify
from django.utils.timezone import now

from accounts.actor import Actor
from accounts.audit import record
from pods.access import check_manages_credentials
from pods.declarations import PROVIDERS
from pods.envelope import EnvelopeError
from pods.errors import ConflictError, RefusedError
from pods.lifecycle import LIVE, PodState
from pods.models import CredentialSet, Secret
from pods.models.credential import CredentialSetQuerySet
from pods.news import announce
from pods.services import inputs, vault

SECRET_MAX = 4096
MODEL_MAX = 100
_ADDRESS = re.compile(r"https?://[^\s/]+[^\s]*")
_MODEL = re.compile(r"[\w][\w./:@+-]*")


@dataclass(frozen=True, slots=True)
class NewCredentials:
    """`personal`: for this person alone; else for everybody in the Organization who may make Pods."""

    name: str
    provider: str
    api_key: str = ""
    base_url: str = ""
    model: str = ""
    slug: str = ""
    personal: bool = False

    def __repr__(self) -> str:
        return f"<NewCredentials {self.name!r}>"


def create_credentials(*, by: Actor, request: NewCredentials) -> CredentialSet:
    """Raises RefusedError, ConflictError, NotAllowedError."""
    check_manages_credentials(by, personal=request.personal)
    _check(request)
    slug = request.slug or slugify(request.name)[:40]
    try:
        with transaction.atomic():
            made = CredentialSet.objects.create(
                organization_id=by.organization_id,
                user_id=by.user_id if request.personal else None,
                slug=slug,
                name=request.name,
                provider=request.provider,
                model=request.model,
            )
            _keep(made, request.api_key, request.base_url)
            record(
                by, "credentials.create", slug, provider=made.provider, personal=request.personal
            )
    except IntegrityError as error:
        raise ConflictError(
            "credentials_exist", f"There already is a credential set “{slug}”."
        ) from error
    _tell(made)
    return made


@dataclass(frozen=True, slots=True)
class CredentialChanges:
    """None: stays as it is. An empty base_url or model takes it away."""

    name: str | None = None
    api_key: str | None = None
    base_url: str | None = None
    model: str | None = None

    def __repr__(self) -> str:
        return "<CredentialChanges>"


def change_credentials(
    credentials: CredentialSet, *, by: Actor, changes: CredentialChanges
) -> CredentialSet:
    """Pods that are resumed get the new ones; those that run keep what they were given. Raises RefusedError."""
    check_manages_credentials(by, personal=credentials.user_id is not None)
    rows = {
        name: value
        for name, value in (("name", changes.name), ("model", changes.model))
        if value is not None
    }
    secrets = {
        part: value
        for part, value in (("api_key", changes.api_key), ("base_url", changes.base_url))
        if value is not None
    }
    if not (rows or secrets):
        raise RefusedError("nothing_to_change", "Give a name, a key, a base URL or a model.")
    _check_parts(**{"name": credentials.name, **rows}, **secrets)
    with transaction.atomic():
        CredentialSet.objects.filter(pk=credentials.pk).update(**rows, changed_at=now())
        if changes.base_url == "":
            credentials.secrets.filter(part=Secret.Part.BASE_URL).delete()
        _keep(credentials, changes.api_key, changes.base_url)
        record(by, "credentials.change", credentials.slug, changed=sorted([*rows, *secrets]))
    credentials.refresh_from_db()
    _tell(credentials)
    return credentials


def delete_credentials(credentials: CredentialSet, *, by: Actor, detach: bool = False) -> None:
    """Raises ConflictError while Pods use it that have not ended, unless they are to be detached.

    Detached Pods keep what they were given until they end, and cannot be started again with it.
    """
    check_manages_credentials(by, personal=credentials.user_id is not None)
    with transaction.atomic():
        using = credentials.pods.filter(state__in=[PodState.PENDING, *LIVE]).count()
        if using and not detach:
            raise ConflictError(
                "credentials_in_use",
                f"Pods that have not ended use “{credentials.name}” ({using}): end them first, or detach them.",
                used_by=using,
            )
        record(by, "credentials.delete", credentials.slug, detached=using)
        gone = CredentialSet(organization_id=credentials.organization_id, slug=credentials.slug)
        credentials.delete()
    _tell(gone)


def with_use(sets: CredentialSetQuerySet) -> CredentialSetQuerySet:
    """With `used_by`: Pods that have not ended; and `ever_used_by`: all there are."""
    live = Q(pods__state__in=[PodState.PENDING, *sorted(LIVE)])
    return sets.annotate(
        used_by=Count("pods", filter=live, distinct=True), ever_used_by=Count("pods", distinct=True)
    ).prefetch_related("secrets")


# ---- Rules


def _check(request: NewCredentials) -> None:
    if request.provider not in PROVIDERS:
        raise RefusedError(
            "bad_provider", f"The provider is one of {', '.join(PROVIDERS)}.", field="provider"
        )
    if request.slug and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", request.slug):
        raise RefusedError("bad_slug", "A slug has small letters, digits and -.", field="slug")
    if not (request.slug or slugify(request.name)):
        raise RefusedError("bad_name", "Give it a name with letters or digits.", field="name")
    if not (request.api_key or request.base_url):
        raise RefusedError("no_key", "Give an API key, a base URL, or both.", field="api_key")
    given = {"api_key": request.api_key} if request.api_key else {}
    _check_parts(name=request.name, model=request.model, base_url=request.base_url, **given)


def _check_parts(
    *, name: str, model: str = "", base_url: str = "", api_key: str | None = None
) -> None:
    """No sentence repeats a secret."""
    inputs.check_name(name)
    if not name.strip() or len(name) > 80:  # noqa: PLR2004 - the column's
        raise RefusedError("bad_name", "Give it a name of 1 to 80 characters.", field="name")
    if model and (len(model) > MODEL_MAX or not _MODEL.fullmatch(model)):
        raise RefusedError("bad_model", "This is not the name of a model.", field="model")
    if base_url and (len(base_url) > SECRET_MAX or not _ADDRESS.fullmatch(base_url)):
        raise RefusedError("bad_base_url", "Give an http or https address.", field="base_url")
    if api_key is not None and not (
        0 < len(api_key) <= SECRET_MAX
        and api_key.isascii()
        and api_key.isprintable()
        and " " not in api_key
    ):
        raise RefusedError(
            "bad_api_key",
            "This is not a key: it has spaces, line ends, or nothing.",
            field="api_key",
        )


def _keep(credentials: CredentialSet, api_key: str | None, base_url: str | None) -> None:
    try:
        if api_key:
            vault.keep(credentials, Secret.Part.API_KEY, api_key)
        if base_url:
            vault.keep(credentials, Secret.Part.BASE_URL, base_url)
    except EnvelopeError as error:
        raise ConflictError("no_vault", str(error)) from error


def _tell(credentials: CredentialSet) -> None:
    announce(credentials.organization_id, "credentials", credentials.slug)
