"""Who sees which page."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership
from tests import builders

PAGES = ["pods", "new-pod", "palette", "runners", "repositories", "tokens", "organization"]


@pytest.mark.parametrize("name", PAGES)
def test_without_a_login_every_page_leads_to_the_sign_in(db, name):
    answer = Client().get(reverse(name))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=")


def test_a_fragment_whose_login_has_ended_sends_the_whole_page_to_the_sign_in(db):
    answer = Client().get(reverse("pods"), headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/sign-in/")


@pytest.mark.parametrize("name", PAGES)
def test_a_member_sees_every_page(bob, name):
    assert bob.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", ["pod", "terminate-pod", "pod-workspace", "pod-diff"])
def test_a_strangers_pod_is_not_there(charlie, cast, name):
    pod = builders.make_pod(cast.organization, owner=cast.alice)
    url = reverse(name, args=[pod.key])
    answer = charlie.post(url) if name == "terminate-pod" else charlie.get(url)
    assert answer.status_code == 404
    assert pod.key.encode() not in answer.content.replace(url.encode(), b"")


def test_lists_show_nothing_of_another_organization(charlie, cast):
    runner = builders.make_runner(cast.organization, name="our-runner")
    builders.make_pod(runner=runner, name="our-pod")
    builders.make_repository(cast.organization, name="our-repository")
    for name in PAGES:
        assert b"our-" not in charlie.get(reverse(name)).content


def test_another_organizations_runner_cannot_be_acted_on(charlie, cast):
    runner = builders.make_runner(cast.organization)
    assert charlie.post(reverse("act-on-runner", args=[runner.pk, "drain"])).status_code == 404
    runner.refresh_from_db()
    assert runner.draining_since is None


def test_a_person_of_no_organization_is_told_whom_to_ask(db, signed_in):
    answer = signed_in(builders.make_user("nobody")).get("/")
    assert answer.status_code == 403
    assert b"Ask an owner" in answer.content


def test_who_was_removed_from_the_current_organization_lands_in_another_of_theirs(cast, alice):
    alice.post(reverse("switch-organization"), {"organization": cast.organization.pk})
    Membership.objects.create(organization=cast.stranger, user=cast.alice)
    Membership.objects.filter(organization=cast.organization, user=cast.alice).delete()
    answer = alice.get("/")
    assert answer.context["organization"] == cast.stranger


def test_switching_changes_what_is_seen_and_only_to_ones_own(cast, alice):
    other = builders.make_organization("second")
    url = reverse("switch-organization")
    assert alice.post(url, {"organization": other.pk}).status_code == 403
    Membership.objects.create(organization=other, user=cast.alice)
    alice.post(url, {"organization": other.pk})
    assert alice.get("/").context["organization"] == other


@pytest.mark.parametrize("path", ["/", "/sign-in/", "/nothing-here/"])
def test_every_page_runs_only_our_own_scripts(alice, path):
    answer = alice.get(path)
    assert "script-src 'self';" in answer["Content-Security-Policy"]
    assert b"<script>" not in answer.content
    assert b" onclick=" not in answer.content
