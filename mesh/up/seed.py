"""What a newcomer finds: an owner with an Organization, the token `make run`, a way to sign in, a Repository."""

import getpass
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.urls import reverse

from accounts.access import actor_for_user
from accounts.actor import ALL_SCOPES, Actor
from accounts.models import ApiToken, Membership, Organization, Role, User
from accounts.services import (
    create_organization,
    issue_api_token,
    make_login_link,
    revoke_api_token,
)
from pods.models import Repository

TOKEN_NAME = "make run"  # noqa: S105 - a name
TOKEN_LIFE = timedelta(days=365)
SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class Owner:
    user: User
    organization: Organization

    @property
    def actor(self) -> Actor:
        return actor_for_user(self.user, self.organization.pk)


def owner() -> Owner:
    """The first owner there is; made, with an Organization, at the first run."""
    membership = Membership.objects.filter(role=Role.OWNER).order_by("pk").first()
    if membership:
        return Owner(membership.user, membership.organization)
    with transaction.atomic():
        user = User.objects.filter(is_superuser=True).order_by("pk").first() or _make_user()
        return Owner(user, create_organization(name="Mesh", owner=user))


def _make_user() -> User:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        name = "owner"
    user = User(username=name, is_staff=True, is_superuser=True)
    user.set_unusable_password()
    user.save(force_insert=True)
    return user


def new_token(owner: Owner) -> str:
    """The secret of the one token of this name; earlier ones end."""
    earlier = ApiToken.objects.filter(
        organization=owner.organization, user=owner.user, name=TOKEN_NAME, revoked_at=None
    )
    with transaction.atomic():
        for token in earlier:
            revoke_api_token(token, by=owner.actor)
        _, secret = issue_api_token(
            organization=owner.organization,
            user=owner.user,
            name=TOKEN_NAME,
            scopes=ALL_SCOPES,
            expires_in=TOKEN_LIFE,
        )
    return secret


def login_path(owner: Owner) -> str:
    return reverse("login-link", args=[make_login_link(owner.user)])


def sample_repository(owner: Owner, path: Path) -> Repository:
    repository, _ = Repository.objects.get_or_create(
        organization=owner.organization,
        slug=SAMPLE,
        defaults={"name": "Sample", "url": str(path), "default_branch": "main"},
    )
    return repository
