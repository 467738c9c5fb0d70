"""By password, and by a link that works once."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import LoginLink
from accounts.services import make_login_link


@pytest.fixture
def link(cast):
    return reverse("login-link", args=[make_login_link(cast.alice)])


def is_signed_in(client):
    return "_auth_user_id" in client.session


def test_name_and_password_lead_to_the_page_one_wanted(cast, client):
    cast.alice.set_password("correct horse battery")
    cast.alice.save(update_fields=["password"])
    given = {"username": "alice", "password": "correct horse battery", "next": "/runners/"}
    assert client.post(reverse("sign-in"), given)["Location"] == "/runners/"
    assert is_signed_in(client)


def test_a_wrong_password_is_said_in_words_and_the_name_is_kept(cast, client):
    answer = client.post(reverse("sign-in"), {"username": "alice", "password": "wrong"})
    assert b"do not go together" in answer.content
    assert b'value="alice"' in answer.content
    assert not is_signed_in(client)


def test_a_page_elsewhere_is_not_where_signing_in_leads(cast, client):
    cast.alice.set_password("correct horse battery")
    cast.alice.save(update_fields=["password"])
    given = {"username": "alice", "password": "correct horse battery", "next": "//evil.example/"}
    assert client.post(reverse("sign-in"), given)["Location"] == "/"


def test_a_preview_of_a_login_link_does_not_use_it_up(link):
    previewer, person = Client(), Client()
    assert previewer.get(link).status_code == 200
    previewer.head(link)
    assert not is_signed_in(previewer)
    assert person.post(link)["Location"] == "/"
    assert is_signed_in(person)


def test_a_login_link_works_once(link, client):
    Client().post(link)
    answer = client.post(link)
    assert answer.status_code == 410
    assert b"used up" in answer.content
    assert not is_signed_in(client)


def test_a_login_link_is_not_kept_by_browsers_and_its_secret_not_by_us(link, client):
    assert "no-store" in client.get(link)["Cache-Control"]
    assert LoginLink.objects.get().digest not in link


def test_signing_out_takes_a_post(cast, client):
    client.force_login(cast.alice)
    assert client.get(reverse("sign-out")).status_code == 405
    client.post(reverse("sign-out"))
    assert not is_signed_in(client)
