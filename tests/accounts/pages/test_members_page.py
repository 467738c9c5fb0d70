"""Members: their roles, letting some in and some go."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Invitation, Membership, Role, User
from tests import builders

URL = "/organization/"
NEW = {
    "username": "eve",
    "password1": "correct horse battery",
    "password2": "correct horse battery",
}


@pytest.fixture
def alice(cast):
    client = Client()
    client.force_login(cast.alice)
    return client


@pytest.fixture
def link(alice):
    return _link(alice.post(reverse("invite"), {"role": "member"}))


def _link(answer):
    url = re.search(r"https?://[^<]+/join/[^<]+/", answer.content.decode()).group()
    return "/" + url.split("/", 3)[3]


def member(user):
    return Membership.objects.get(user=user)


def test_a_link_is_shown_once_and_kept_by_nobody(alice):
    answer = alice.post(reverse("invite"), {"role": "member"})
    assert "no-store" in answer["Cache-Control"]
    assert _link(answer).encode() not in alice.get(URL).content


def test_a_new_person_makes_an_account_and_lands_on_the_pods(link, cast, client):
    assert b"alice invites you as member" in client.get(link).content
    assert client.post(link, NEW)["Location"] == "/"
    assert client.get("/").context["actor"].name == "eve"
    assert member(User.objects.get(username="eve")).organization == cast.organization


def test_a_password_that_is_too_easy_is_refused_and_the_link_stays_good(link, client):
    easy = {**NEW, "password1": "12345678", "password2": "12345678"}
    answer = client.post(link, easy)
    assert answer.status_code == 422
    assert b"too common" in answer.content
    assert client.post(link, NEW).status_code == 302


def test_who_is_signed_in_joins_as_themselves_and_sees_that_organization(link, cast, client):
    client.force_login(cast.charlie)
    assert b"Join as charlie" in client.get(link).content
    client.post(link)
    assert client.get("/").context["actor"].organization_id == cast.organization.pk


def test_a_preview_does_not_use_a_link_up(link, client):
    for _ in range(2):
        assert Client().get(link).status_code == 200
    assert client.post(link, NEW).status_code == 302


@pytest.mark.parametrize("what", ["used", "made up", "withdrawn"])
def test_a_void_link_says_so(link, alice, client, what):
    if what == "used":
        Client().post(link, NEW)
    elif what == "withdrawn":
        alice.post(reverse("withdraw-invitation", args=[Invitation.objects.get().pk]))
    else:
        link = reverse("join", args=["nothing"])
    answer = client.post(link, {**NEW, "username": "mallory"})
    assert answer.status_code == 410
    assert b"Ask for another one" in answer.content
    assert not User.objects.filter(username="mallory").exists()


def test_a_member_who_opens_one_is_told_and_leaves_it_as_it_is(link, cast, client):
    client.force_login(cast.bob)
    answer = client.post(link)
    assert answer.status_code == 409
    assert b"a member of acme already" in answer.content
    assert Invitation.objects.usable().exists()


def test_roles_are_given_and_members_removed(alice, cast):
    bob = member(cast.bob)
    alice.post(reverse("give-role", args=[bob.pk]), {"role": "viewer"})
    bob.refresh_from_db()
    assert bob.role == Role.VIEWER
    alice.post(reverse("remove-member", args=[bob.pk]))
    assert not Membership.objects.filter(pk=bob.pk).exists()


@pytest.mark.parametrize("name", ["give-role", "remove-member"])
def test_the_last_owner_stays_and_is_told_why(alice, cast, name):
    answer = alice.post(reverse(name, args=[member(cast.alice).pk]), {"role": "member"})
    assert answer.status_code == 409
    assert b"needs an owner" in answer.content
    assert member(cast.alice).role == Role.OWNER


def test_one_may_leave(cast, client):
    client.force_login(cast.bob)
    client.post(reverse("remove-member", args=[member(cast.bob).pk]))
    assert not Membership.objects.filter(user=cast.bob).exists()


def test_a_role_that_is_none_is_refused(alice, cast):
    answer = alice.post(reverse("give-role", args=[member(cast.bob).pk]), {"role": "king"})
    assert answer.status_code == 409
    assert member(cast.bob).role == Role.MEMBER


def test_others_see_members_and_nothing_to_do_but_leave(cast, client, link):
    client.force_login(cast.bob)
    shown = client.get(URL).content.decode()
    assert "alice" in shown
    assert shown.count('class="end corner"><details') == 1
    assert "Invite somebody" not in shown
    assert 'id="invitations"' not in shown
    assert client.post(reverse("invite"), {"role": "member"}).status_code == 403
    theirs = reverse("give-role", args=[member(cast.alice).pk])
    assert client.post(theirs, {"role": "viewer"}).status_code == 403


def test_strangers_find_nobody(cast, client, link):
    client.force_login(cast.charlie)
    asked = {
        "give-role": member(cast.bob).pk,
        "remove-member": member(cast.bob).pk,
        "withdraw-invitation": Invitation.objects.get().pk,
    }
    for name, pk in asked.items():
        assert client.post(reverse(name, args=[pk]), {"role": "viewer"}).status_code == 404
    assert [str(each.user) for each, _ in client.get(URL).context["members"]] == ["charlie"]


def test_an_admin_is_offered_nothing_about_owners(cast, client):
    client.force_login(builders.make_user("adam", organization=cast.organization, role=Role.ADMIN))
    shown = client.get(URL).content.decode()
    assert "Actions for bob" in shown
    assert "Actions for alice" not in shown
    assert "Make owner" not in shown
