"""Updates of one Runner, and of all in turn, as rows."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.utils.timezone import now

from accounts.models import AuditEvent
from pods.commands import CommandKind, CommandState
from pods.errors import ConflictError, NotAllowedError, RefusedError
from pods.messages import CommandResult, UpdateStep
from pods.models import Command, Pod, Runner, UpdateAttempt
from pods.services import reports, rollouts, updates
from pods.services.placing import place
from pods.services.sessions import Attachment
from pods.services.updates import Wish
from pods.updates import After, Mode
from tests.builders import Cast, actor_of, make_pod, make_runner, make_workspace
from tests.pods.releases import FITS, Press

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture(autouse=True)
def press(settings: object, tmp_path: Path) -> Press:
    return Press(settings, tmp_path / "releases")


def runner_of(cast: Cast, version: str = "0.1.0", **fields: Any) -> Runner:
    return make_runner(cast.organization, **{**FITS, "version": version, **fields})


def ask(cast: Cast, runner: Runner, **wish: Any) -> UpdateAttempt:
    return updates.ask_update(runner, by=actor_of(cast.alice), wish=Wish(**wish))


def command_of(attempt: UpdateAttempt) -> Command:
    attempt.refresh_from_db()
    assert attempt.command
    Command.objects.filter(pk=attempt.command.pk).update(sends=1, state=CommandState.ACKED)
    return attempt.command


def session_of(runner: Runner) -> Attachment:
    runner.refresh_from_db()
    return Attachment(runner.pk, runner.epoch, runner.organization_id)


def tell(attempt: UpdateAttempt, step: str, text: str = "", at_ms: int = 1) -> None:
    claim = UpdateStep(str(command_of(attempt).pk), step, text, at_ms)
    settled = reports.settle(session_of(attempt.runner), [claim])
    assert settled.refused == []


def end(attempt: UpdateAttempt, state: Any = "done", version: str = "", **result: Any) -> None:
    """Its Runner's word on it; with `version`, after it came back with that."""
    if version:
        Runner.objects.filter(pk=attempt.runner_id).update(version=version)
    claim = CommandResult(str(command_of(attempt).pk), state, **result)
    reports.settle(session_of(attempt.runner), [claim])
    attempt.refresh_from_db()


def test_the_runner_is_told_the_signed_manifest_and_how_to_go_about_it(
    cast: Cast, press: Press
) -> None:
    release, runner = press.publish("0.2.0"), runner_of(cast)
    attempt = ask(cast, runner, mode=Mode.DRAIN, wait_s=60, after=After.GIVE_UP)
    payload = command_of(attempt).payload
    assert payload["manifest"] == release.manifest
    assert (payload["mode"], payload["wait_s"], payload["after"]) == ("drain", 60, "give_up")
    assert json.loads(payload["manifest"])["version"] == "0.2.0"
    event = AuditEvent.objects.get(action="runner.update")
    assert (event.actor_name, event.detail["version"]) == ("alice", "0.2.0")


def test_steps_are_followed_and_the_result_ends_it(cast: Cast, press: Press) -> None:
    press.publish("0.2.0")
    attempt = ask(cast, runner_of(cast))
    tell(attempt, "downloading", "1 of 30 MB", at_ms=5)
    tell(attempt, "downloading", "9 of 30 MB", at_ms=9)
    tell(attempt, "waiting")
    attempt.refresh_from_db()
    assert attempt.state == "working"
    assert [step["step"] for step in attempt.steps] == ["downloading", "waiting"]
    assert attempt.steps[0] == {"step": "downloading", "at_ms": 5, "text": "9 of 30 MB"}
    end(attempt, version="0.2.0")
    assert (attempt.state, attempt.runner.updating_since) == ("done", None)
    assert attempt.ended_at


def test_a_release_that_was_taken_back_shows_its_reason(cast: Cast, press: Press) -> None:
    press.publish("0.2.0")
    attempt = ask(cast, runner_of(cast))
    end(attempt, "failed", error_code="taken_back", error="It ended with exit code 1.")
    assert (attempt.state, attempt.reason) == ("failed", "It ended with exit code 1.")
    assert AuditEvent.objects.filter(action="runner.update.failed").exists()
    assert ask(cast, attempt.runner).state == "asked"  # it may be tried again


@pytest.mark.parametrize(
    ("version", "error", "code"),
    [
        ("0.2.0", ConflictError, "same_version"),
        ("0.3.0", ConflictError, "downgrade"),
        ("0.1.0", None, ""),
    ],
)
def test_only_a_newer_release_is_given(
    cast: Cast, press: Press, version: str, error: type[Exception] | None, code: str
) -> None:
    press.publish("0.2.0")
    runner = runner_of(cast, version)
    if error is None:
        assert ask(cast, runner).version == "0.2.0"
        return
    with pytest.raises(error) as refused:
        ask(cast, runner)
    assert refused.value.code == code
    assert not UpdateAttempt.objects.exists()


def test_a_runner_that_nothing_fits_is_told_so(cast: Cast, press: Press) -> None:
    press.publish("0.2.0", python="3.13")
    with pytest.raises(RefusedError, match="no release for"):
        ask(cast, runner_of(cast))
    with pytest.raises(RefusedError, match="before updates"):
        ask(cast, runner_of(cast, platform=""))


def test_there_is_one_update_at_a_time(cast: Cast, press: Press) -> None:
    press.publish("0.2.0")
    runner = runner_of(cast)
    ask(cast, runner)
    with pytest.raises(ConflictError, match="being updated already"):
        ask(cast, runner)
    assert Command.objects.filter(kind=CommandKind.UPDATE).count() == 1


def test_members_update_nothing(cast: Cast, press: Press) -> None:
    press.publish("0.2.0")
    with pytest.raises(NotAllowedError):
        updates.ask_update(runner_of(cast), by=actor_of(cast.bob), wish=Wish())
    with pytest.raises(NotAllowedError):
        rollouts.start_rollout(organization=cast.organization, by=actor_of(cast.bob), wish=Wish())


def test_a_word_about_an_update_of_another_runner_is_refused(cast: Cast, press: Press) -> None:
    press.publish("0.2.0")
    attempt, other = ask(cast, runner_of(cast)), runner_of(cast)
    claim = UpdateStep(str(command_of(attempt).pk), "waiting")
    settled = reports.settle(session_of(other), [claim])
    assert settled.refused
    attempt.refresh_from_db()
    assert attempt.steps == []


def waiting_pod(cast: Cast) -> Pod:
    workspace = make_workspace(make_runner(cast.organization, capacity=0))
    return make_pod(
        cast.organization,
        owner=cast.alice,
        state="pending",
        workspace=workspace,
        spec={"argv": ["sh"], "env": {}},
    )


def test_no_pod_is_placed_where_pods_are_to_end(cast: Cast, press: Press) -> None:
    press.publish("0.2.0")
    runner = runner_of(cast)
    attempt = ask(cast, runner, mode=Mode.DRAIN)
    pod = waiting_pod(cast)
    assert not place(pod)
    pod.refresh_from_db()
    assert "is being updated" in pod.waiting_for
    end(attempt, version="0.2.0")
    assert place(pod)


def test_in_a_handover_pods_are_placed_until_the_switch_is_near(cast: Cast, press: Press) -> None:
    press.publish("0.2.0")
    runner = runner_of(cast)
    attempt = ask(cast, runner)
    assert place(waiting_pod(cast))
    tell(attempt, "waiting")
    assert not place(waiting_pod(cast))


def test_what_was_not_sent_yet_is_called_off_at_once(cast: Cast, press: Press) -> None:
    press.publish("0.2.0")
    runner = runner_of(cast, online=False)
    attempt = ask(cast, runner)
    assert updates.cancel_update(runner, by=actor_of(cast.alice)).state == "cancelled"
    attempt.refresh_from_db()
    assert attempt.command
    assert attempt.command.state == CommandState.CANCELLED


def test_what_waits_on_the_runner_is_called_off_there(cast: Cast, press: Press) -> None:
    press.publish("0.2.0")
    runner = runner_of(cast)
    attempt = ask(cast, runner, mode=Mode.DRAIN)
    command_of(attempt)
    updates.cancel_update(runner, by=actor_of(cast.alice))
    cancel = Command.objects.filter(kind=CommandKind.UPDATE).latest("seq")
    assert cancel.payload["cancel"] is True
    end(attempt, "failed", error_code="cancelled", error="The update was called off.")
    assert attempt.state == "cancelled"


# ---- roll-outs


def roll_out(cast: Cast, **wish: Any) -> Any:
    return rollouts.start_rollout(
        organization=cast.organization, by=actor_of(cast.alice), wish=Wish(**wish)
    )


def states(rollout: Any) -> dict[str, str]:
    return dict(rollout.attempts.values_list("runner__name", "state"))


def under_way(rollout: Any) -> UpdateAttempt:
    return rollout.attempts.get(state__in=["asked", "working"])


def test_runners_are_updated_one_at_a_time_until_all_have_it(cast: Cast, press: Press) -> None:
    press.publish("0.2.0")
    for name in ("a", "b", "c"):
        runner_of(cast, name=name)
    runner_of(cast, "0.2.0", name="has it")
    rollout = roll_out(cast)
    assert states(rollout) == {"a": "asked", "b": "planned", "c": "planned"}
    for name in ("a", "b", "c"):
        attempt = under_way(rollout)
        assert attempt.runner.name == name
        end(attempt, version="0.2.0")
    rollout.refresh_from_db()
    assert (rollout.state, set(states(rollout).values())) == ("done", {"done"})


def test_a_rollout_ends_at_the_first_failure(cast: Cast, press: Press) -> None:
    press.publish("0.2.0")
    for name in ("a", "b", "c"):
        runner_of(cast, name=name)
    rollout = roll_out(cast)
    end(under_way(rollout), version="0.2.0")
    end(under_way(rollout), "failed", error_code="taken_back", error="It hung.")
    rollout.refresh_from_db()
    assert (rollout.state, rollout.reason) == ("failed", "b: It hung.")
    assert states(rollout) == {"a": "done", "b": "failed", "c": "cancelled"}


def test_a_rollout_can_be_stopped_and_what_is_under_way_goes_on(cast: Cast, press: Press) -> None:
    press.publish("0.2.0")
    for name in ("a", "b"):
        runner_of(cast, name=name)
    rollout = roll_out(cast)
    attempt = under_way(rollout)
    rollouts.stop_rollout(rollout, by=actor_of(cast.alice))
    end(attempt, version="0.2.0")
    rollout.refresh_from_db()
    assert (rollout.state, states(rollout)) == ("stopped", {"a": "done", "b": "cancelled"})
    with pytest.raises(ConflictError):
        rollouts.stop_rollout(rollout, by=actor_of(cast.alice))


def test_a_runner_that_is_away_has_its_turn_when_it_is_back(cast: Cast, press: Press) -> None:
    press.publish("0.2.0")
    away = runner_of(cast, name="a", online=False)
    runner_of(cast, name="b")
    rollout = roll_out(cast)
    assert states(rollout) == {"a": "planned", "b": "asked"}
    end(under_way(rollout), version="0.2.0")
    rollout.refresh_from_db()
    assert rollout.state == "running"
    Runner.objects.filter(pk=away.pk).update(gateway="g", seen_at=now(), epoch=1)
    rollouts.go_on_with_all()
    assert states(rollout)["a"] == "asked"
    end(under_way(rollout), version="0.2.0")
    rollout.refresh_from_db()
    assert rollout.state == "done"


def test_one_rollout_at_a_time_and_none_for_nothing(cast: Cast, press: Press) -> None:
    with pytest.raises(RefusedError):
        roll_out(cast)
    press.publish("0.2.0")
    with pytest.raises(ConflictError, match="No Runner needs"):
        roll_out(cast, version="0.2.0")
    runner_of(cast)
    roll_out(cast)
    with pytest.raises(ConflictError, match="stop it first"):
        roll_out(cast)
