"""Repositories: listing, adding, removing."""

import pytest
from django.urls import reverse

from pods.models import Repository
from tests import builders

URL = "/repositories/"


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("https://example.com/team/shop.git", "shop"),
        ("git@example.com:team/shop", "shop"),
        ("/srv/git/shop/", "shop"),
    ],
)
def test_a_repository_without_a_name_is_called_as_its_address_ends(bob, url, slug):
    assert bob.post(URL, {"url": url}).status_code == 302
    assert Repository.objects.get().slug == slug


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"url": ""}, "url", "address that git clone takes"),
        ({"url": "ext::sh -c id"}, "url", "not an address"),
        ({"url": "https://me:secret@example.com/x"}, "url", "leave out the user"),
        ({"url": "/srv/x", "default_branch": "a..b"}, "default_branch", "not a name that git"),
        ({"url": "/srv/x", "name": "taken"}, "name", "already is a repository"),
        ({"url": "/srv/x", "name": "!!!"}, "name", "letter or digit"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(bob, cast, given, field, said):
    builders.make_repository(cast.organization, name="taken", slug="taken")
    answer = bob.post(URL, given)
    assert answer.status_code == 422
    assert said in str(answer.context["form"].errors[field])
    assert Repository.objects.count() == 1


def test_a_viewer_sees_them_and_gets_no_form(viewer, cast):
    builders.make_repository(cast.organization, name="ours")
    content = viewer.get(URL).content
    assert b"ours" in content
    assert b"Add a repository" not in content
    assert viewer.post(URL, {"url": "/srv/x"}).status_code == 403


def test_one_in_use_stays_and_the_page_says_why(alice, cast):
    repository = builders.make_repository(cast.organization)
    runner = builders.make_runner(cast.organization)
    workspace = builders.make_workspace(runner, repository=repository)
    builders.make_pod(runner=runner, workspace=workspace)
    url = reverse("remove-repository", args=[repository.slug])
    answer = alice.post(url, headers={"HX-Request": "true"})
    assert "still work on" in answer["HX-Trigger"]
    assert Repository.objects.exists()


def test_an_owner_removes_one(alice, cast):
    repository = builders.make_repository(cast.organization)
    alice.post(reverse("remove-repository", args=[repository.slug]))
    assert not Repository.objects.exists()
