"""People who are signed in."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Role, User
from tests import builders

SignIn = Callable[[User], Client]


@pytest.fixture
def signed_in() -> SignIn:
    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def alice(cast: builders.Cast, signed_in: SignIn) -> Client:
    """She owns the Organization."""
    return signed_in(cast.alice)


@pytest.fixture
def bob(cast: builders.Cast, signed_in: SignIn) -> Client:
    """He is a member."""
    return signed_in(cast.bob)


@pytest.fixture
def charlie(cast: builders.Cast, signed_in: SignIn) -> Client:
    """A stranger, owner of another Organization."""
    return signed_in(cast.charlie)


@pytest.fixture
def viewer(cast: builders.Cast, signed_in: SignIn) -> Client:
    return signed_in(builders.make_user("vera", organization=cast.organization, role=Role.VIEWER))
