"""Which Runner gets a Pod."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from pods.commands import CommandState
from pods.lifecycle import LIVE, PodState
from pods.models import Certificate, Command, Pod, Runner
from pods.services import runners
from pods.services.placing import place, place_pending, unplace
from pods.services.pods import PodRequest, create_pod
from tests.builders import (
    Cast,
    actor_of,
    built_in,
    make_agent_type,
    make_cast,
    make_pod,
    make_runner,
    make_workspace,
)

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def ask(cast: Cast, **wanted: Any) -> Pod:
    built_in("shell")
    return create_pod(
        by=actor_of(cast.bob), request=PodRequest(**{"agent_type": "shell", **wanted})
    )


def waiting_pod(cast: Cast, **fields: Any) -> Pod:
    runner = make_runner(cast.organization, capacity=0)
    workspace = make_workspace(runner)
    spec = {"argv": ["sh"], "env": {}}
    return make_pod(
        cast.organization, state=PodState.PENDING, workspace=workspace, spec=spec, **fields
    )


def test_the_runner_with_most_free_places_gets_it(cast: Cast) -> None:
    make_runner(cast.organization, capacity=2)
    roomy = make_runner(cast.organization, capacity=5)
    assert ask(cast).runner == roomy


def test_a_named_runner_gets_it_even_if_another_has_more_room(cast: Cast) -> None:
    make_runner(cast.organization, capacity=50)
    named = make_runner(cast.organization, name="mac", capacity=1)
    assert ask(cast, runner="mac").runner == named
    assert ask(cast, runner=str(named.pk)).waiting_for == "mac is full (1 of 1 Pods)."


def test_a_name_that_is_a_number_goes_before_an_id(cast: Cast) -> None:
    other = make_runner(cast.organization)
    named = make_runner(cast.organization, name=str(other.pk))
    assert ask(cast, runner=str(other.pk)).runner == named


def test_labels_choose(cast: Cast) -> None:
    make_runner(cast.organization, labels={"gpu": "no"}, capacity=50)
    right = make_runner(cast.organization, labels={"gpu": "yes", "os": "linux"})
    assert ask(cast, labels={"gpu": "yes"}).runner == right
    assert ask(cast, labels={"gpu": "two"}).waiting_for == "No Runner has the labels gpu=two."


def test_an_agent_must_be_installed(cast: Cast) -> None:
    make_agent_type("helper", name="Helper", detect="helper")
    broken = {"slug": "helper", "path": "", "problem": "--version ended with 1"}
    make_runner(cast.organization, name="old", capacity=50, agents=[broken])
    waits = ask(cast, agent_type="helper").waiting_for
    assert waits == "No Runner fits: old does not have Helper: --version ended with 1."
    good = {"slug": "other", "path": "/usr/bin/helper", "problem": ""}
    able = make_runner(cast.organization, agents=[good])
    assert ask(cast, agent_type="helper").runner == able


def test_an_agent_that_is_not_there_goes_to_a_runner_that_can_install_it(cast: Cast) -> None:
    cannot = {"slug": "install:npm", "problem": "npm is not on the PATH."}
    make_runner(cast.organization, name="bare", capacity=50, agents=[cannot])
    waits = ask(cast, agent_type="claude").waiting_for
    assert waits == "No Runner fits: bare does not have Claude Code: npm is not on the PATH."
    able = make_runner(cast.organization, agents=[{"slug": "install:npm", "problem": ""}])
    assert ask(cast, agent_type="claude").runner == able


def test_a_broken_agent_does_not_keep_a_runner_from_installing_another(cast: Cast) -> None:
    broken = {"slug": "claude", "path": "/usr/bin/claude", "problem": "--version ended with 1"}
    able = make_runner(cast.organization, agents=[broken, {"slug": "install:npm"}])
    assert ask(cast, agent_type="claude").runner == able


def test_the_login_of_a_runners_own_user_is_used_only_where_it_is_lent(cast: Cast) -> None:
    agents = [{"slug": "claude", "path": "/usr/bin/claude"}]
    make_runner(cast.organization, name="shut", capacity=50, agents=agents)
    waits = ask(cast, agent_type="claude", credentials="runner")
    assert "shut does not lend its own login" in waits.waiting_for
    lends = make_runner(cast.organization, agents=agents, lends_login=True)
    assert ask(cast, agent_type="claude", credentials="runner").runner == lends
    assert Command.objects.get().payload["use_login"] is True


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"capacity": 0}, "full (0 of 0 Pods)"),
        ({"draining_since": now()}, "draining"),
        ({"seen_at": now() - timedelta(seconds=31)}, "offline"),
        ({"gateway": ""}, "offline"),
        ({"attached_at": None}, "has not connected yet"),
    ],
)
def test_it_waits_saying_why_nobody_fits(cast: Cast, fields: dict[str, Any], why: str) -> None:
    make_runner(cast.organization, name="one", **fields)
    pod = ask(cast)
    assert pod.runner is None
    assert why in pod.waiting_for


@pytest.mark.parametrize("mark", ["disabled_at", "retired_at"])
def test_a_runner_that_is_out_is_not_even_named(cast: Cast, mark: str) -> None:
    make_runner(cast.organization, **{mark: now()})
    assert ask(cast).waiting_for == "There is no Runner yet: add one on the Runners page."


def test_a_runner_whose_certificates_are_all_revoked_gets_nothing(cast: Cast) -> None:
    runner = make_runner(cast.organization, name="lost-laptop")
    made = {"not_before": now(), "not_after": now(), "runner": runner}
    Certificate.objects.create(serial="1", revoked_at=now(), **made)
    assert "certificate revoked" in ask(cast, runner="lost-laptop").waiting_for
    Certificate.objects.create(serial="2", **made)
    assert ask(cast).runner == runner


def test_a_named_runner_that_is_away_gets_it_for_its_return(cast: Cast) -> None:
    runner = make_runner(cast.organization, name="mac", gateway="", detached_at=now())
    pod = ask(cast, runner="mac")
    assert pod.runner == runner
    assert pod.waiting_for == "mac is offline; it starts there when it is back."
    assert Command.objects.get().state == CommandState.QUEUED


def test_strangers_runners_are_not_looked_at(cast: Cast) -> None:
    make_runner(cast.stranger)
    assert ask(cast).runner is None


@pytest.mark.parametrize("state", sorted(LIVE))
def test_live_pods_and_placed_ones_take_places(cast: Cast, state: PodState) -> None:
    runner = make_runner(cast.organization, capacity=2)
    make_pod(runner=runner, state=state)
    assert ask(cast).runner == runner
    assert ask(cast).runner is None


@pytest.mark.parametrize("state", ["completed", "failed", "terminated", "lost"])
def test_pods_that_are_over_take_none(cast: Cast, state: str) -> None:
    runner = make_runner(cast.organization, capacity=1)
    make_pod(runner=runner, state=PodState(state))
    assert ask(cast).runner == runner


def test_waiting_pods_are_placed_oldest_first(cast: Cast) -> None:
    first, second = ask(cast), ask(cast)
    make_runner(cast.organization, capacity=1)
    assert place_pending(organization_id=cast.organization.pk) == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.runner is not None
    assert first.waiting_for == ""
    assert second.runner is None
    assert "full" in second.waiting_for
    assert place_pending() == 0


def test_a_place_that_is_gone_at_the_last_moment_is_not_taken(cast: Cast) -> None:
    """The choice was made on older figures; the place is counted again under the lock."""
    runner = make_runner(cast.organization, capacity=1)
    chosen: list[Runner] = []

    class Late(dict[str, object]):
        """Labels that somebody else's Pod overtakes while they are compared."""

        def items(self) -> Any:
            if not chosen:
                chosen.append(runner)
                make_pod(runner=runner)
            return super().items()

    pod = waiting_pod(cast, wanted={})
    pod.wanted = {"labels": Late()}
    assert not place(pod)
    pod.refresh_from_db()
    assert pod.runner is None
    assert not Command.objects.exists()


def test_a_pod_taken_back_can_go_elsewhere(cast: Cast) -> None:
    first = make_runner(cast.organization)
    pod = ask(cast)
    assert unplace(pod)
    assert Command.objects.get().state == CommandState.CANCELLED
    pod.refresh_from_db()
    assert pod.runner is None
    other = make_runner(cast.organization, capacity=50)
    assert place_pending() == 1
    pod.refresh_from_db()
    assert pod.runner == other
    assert first.commands.count() == 1


def test_a_pod_already_sent_is_not_taken_back(cast: Cast) -> None:
    pod = make_pod(cast.organization, state=PodState.STARTING)
    assert not unplace(pod)
    assert Pod.objects.get(pk=pod.pk).runner is not None


def test_draining_sends_what_waits_elsewhere_and_leaves_what_runs(cast: Cast) -> None:
    runner = make_runner(cast.organization, capacity=50)
    running, waiting = make_pod(runner=runner), ask(cast)
    other = make_runner(cast.organization)
    runners.drain_runner(runner, by=actor_of(cast.alice))
    running.refresh_from_db()
    waiting.refresh_from_db()
    assert (running.runner, waiting.runner) == (runner, other)
    runners.resume_runner(runner, by=actor_of(cast.alice))
    assert ask(cast).runner == runner


def side_by_side(count: int, do: Callable[[int], None]) -> list[BaseException]:
    """Run `do` in so many threads at once; what went wrong."""
    ready, wrong = threading.Barrier(count), []

    def run(number: int) -> None:
        ready.wait()
        try:
            do(number)
        except BaseException as error:  # noqa: BLE001 - told to the test
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_at_once_only_as_many_as_fit_get_a_place() -> None:
    cast = make_cast()
    make_runner(cast.organization, capacity=3)
    make_runner(cast.organization, capacity=2)
    built_in("shell")
    assert side_by_side(12, lambda _: ask(cast)) == []
    placed = Pod.objects.exclude(runner=None)
    assert placed.count() == 5
    for runner in Runner.objects.all():
        assert runner.pods.count() == runner.capacity
        seqs = list(runner.commands.order_by("seq").values_list("seq", flat=True))
        assert seqs == list(range(1, runner.capacity + 1))


@pytest.mark.django_db(transaction=True)
def test_many_who_place_the_same_pods_start_each_once() -> None:
    cast = make_cast()
    pods = [ask(cast) for _ in range(4)]
    make_runner(cast.organization, capacity=10)
    make_runner(cast.organization, capacity=10)
    assert side_by_side(6, lambda _: place_pending()) == []
    assert Command.objects.count() == len(pods)
    assert set(Command.objects.values_list("pod", flat=True)) == {pod.pk for pod in pods}
