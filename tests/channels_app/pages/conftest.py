"""People who are signed in."""

import pytest
from django.test import Client

from accounts.models import Role, User
from tests import builders


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice(cast: builders.Cast) -> Client:
    """She owns the Organization."""
    return _signed_in(cast.alice)


@pytest.fixture
def bob(cast: builders.Cast) -> Client:
    """He is a member."""
    return _signed_in(cast.bob)


@pytest.fixture
def charlie(cast: builders.Cast) -> Client:
    """A stranger, owner of another Organization."""
    return _signed_in(cast.charlie)


@pytest.fixture
def vera(cast: builders.Cast) -> Client:
    """A viewer."""
    return _signed_in(builders.make_user("vera", organization=cast.organization, role=Role.VIEWER))
