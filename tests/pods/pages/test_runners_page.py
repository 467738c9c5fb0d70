"""Runners: their health, letting one in, sending one away."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.access import digest
from pods.commands import CommandKind
from pods.models import EnrollmentToken, Runner
from pods.services.commands import queue_command
from tests import builders


def looks(client):
    return {look.runner.name: look for look in client.get(reverse("runners")).context["looks"]}


def test_health_is_what_the_rows_say(alice, cast):
    builders.make_runner(cast.organization, name="well")
    builders.make_runner(cast.organization, name="silent", seen_at=now() - timedelta(minutes=1))
    builders.make_runner(cast.organization, name="resting", draining_since=now())
    builders.make_runner(cast.organization, name="barred", disabled_at=now())
    words = {name: look.state.word for name, look in looks(alice).items()}
    assert words == {
        "well": "Online",
        "silent": "Offline",
        "resting": "Draining",
        "barred": "Disabled",
    }


def test_pods_and_certificates_are_counted_each_once(alice, cast):
    runner = builders.make_runner(cast.organization, name="busy")
    for number in range(2):
        builders.make_pod(runner=runner)
        runner.certificates.create(
            serial=str(number),
            fingerprint="",
            not_before=now(),
            not_after=now() + timedelta(days=number + 1),
        )
    look = looks(alice)["busy"]
    assert look.taken == 2
    assert look.expires == runner.certificates.get(serial="1").not_after


def test_adding_a_runner_gives_a_line_whose_token_works_and_is_not_kept(alice):
    answer = alice.post(reverse("enroll-runner"))
    line = answer.context["line"]
    secret = line.split("--token ")[1].split()[0]
    assert "--server http" in line
    assert EnrollmentToken.objects.get().digest == digest(secret)
    assert b"Waiting for it" in answer.content


def test_the_page_says_so_when_the_machine_has_joined(alice, cast):
    alice.post(reverse("enroll-runner"))
    token = EnrollmentToken.objects.get()
    url = reverse("joining", args=[token.pk])
    assert b"Waiting for it" in alice.get(url).content
    token.runner = builders.make_runner(cast.organization, name="newcomer", online=False)
    token.save(update_fields=["runner"])
    assert b"waiting for it to connect" in alice.get(url).content
    Runner.objects.update(gateway="g", seen_at=now())
    assert b"has joined" in alice.get(url).content


def test_members_see_runners_and_manage_none(bob, cast):
    runner = builders.make_runner(cast.organization, name="ours")
    page = bob.get(reverse("runners")).content
    assert b"ours" in page
    assert b"Add a Runner" not in page
    assert bob.post(reverse("enroll-runner")).status_code == 403
    assert bob.post(reverse("act-on-runner", args=[runner.pk, "drain"])).status_code == 403


@pytest.mark.parametrize(
    ("verb", "field"), [("drain", "draining_since"), ("disable", "disabled_at")]
)
def test_an_admin_rests_a_runner_and_takes_it_back(alice, cast, verb, field):
    runner = builders.make_runner(cast.organization)
    back = {"drain": "resume", "disable": "enable"}[verb]
    alice.post(reverse("act-on-runner", args=[runner.pk, verb]))
    runner.refresh_from_db()
    assert getattr(runner, field)
    alice.post(reverse("act-on-runner", args=[runner.pk, back]))
    runner.refresh_from_db()
    assert getattr(runner, field) is None


def test_another_organizations_token_is_not_watched(charlie, alice):
    alice.post(reverse("enroll-runner"))
    url = reverse("joining", args=[EnrollmentToken.objects.get().pk])
    assert charlie.get(url).status_code == 404


def test_of_a_session_what_is_notable_is_in_view_and_the_rest_one_click_away(alice, cast):
    calm = {"attached_at": now(), "round_trip_ms": 4.2, "clock_offset_ms": 120, "epoch": 7}
    builders.make_runner(cast.organization, name="calm", gateway="here", **calm)
    troubled = {"round_trip_ms": 2400, "clock_offset_ms": -45_000, "unacknowledged_bytes": 3 << 20}
    runner = builders.make_runner(cast.organization, name="troubled", attached_at=now(), **troubled)
    builders.make_runner(cast.organization, name="away", online=False)
    for _ in range(4):
        queue_command(runner=runner, kind=CommandKind.EXECUTE, payload={})
    found = looks(alice)
    assert found["calm"].session.notable == []
    assert (found["calm"].session.short, found["calm"].session.clock) == ("4 ms", "as ours")
    assert [each.replace("\xa0", " ") for each in found["troubled"].session.notable] == [
        "2.4 s away",
        "clock 45 s behind",
        "3.0 MB unacknowledged",
        "4 commands waiting",
    ]
    assert found["away"].session is None
    assert b"here, epoch 7" in alice.get(reverse("runners")).content
