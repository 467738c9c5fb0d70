"""`make stop`: ends the Pods of this machine and the services, from any shell."""

import os
import signal
import time
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError

from mesh.home import Home
from mesh.up import local_runner, place, seed
from mesh.up.steps import step
from mesh.up.supervisor import Supervisor
from mesh.up.trouble import TroubleError
from pods.lifecycle import LIVE, PodState
from pods.models import Pod, Runner
from pods.services.pods import terminate_pod

PODS_END_WITHIN = 30.0  # seconds; a Pod is killed 5 s after it was asked
SERVICES_END_WITHIN = 60.0
PAUSE = 0.05


def stop() -> str:
    """What it did, in a sentence."""
    home = settings.HOME
    up = place.holder(home)
    ended = _end_pods(home, online=up is not None)
    if up is None:
        left = Supervisor(home)
        was_left = left.answers()
        left.end()
        return _sentence(ended, services=was_left)
    with step("services"):
        os.kill(up, signal.SIGTERM)
        _wait(lambda: place.holder(home) is None, SERVICES_END_WITHIN, f"process {up} does not end")
    return _sentence(ended, services=True)


def _end_pods(home: Home, *, online: bool) -> int:
    if not (home.runner / "enrolled.json").exists():
        return 0
    runner = _runner_that_can_be_asked(home) if online else None
    if runner is None:
        said = local_runner.runner_agent(
            ["stop-pods", "--home", str(home.runner)], dict(os.environ)
        )
        return int(said.split()[0])
    pods = Pod.objects.filter(runner=runner, state__in=[PodState.PENDING, *LIVE])
    count = pods.count()
    if count:
        with step(f"Pods ({count})"):
            _terminate(runner)
    return count


def _runner_that_can_be_asked(home: Home) -> Runner | None:
    """The Runner of this machine, through the server. None: it must end its Pods by itself."""
    try:
        runner = local_runner.enrolled(home.runner)
    except DatabaseError:
        return None
    return runner if runner and runner.is_online else None


def _terminate(runner: Runner) -> None:
    by = seed.owner().actor
    for pod in Pod.objects.filter(runner=runner, state__in=[PodState.PENDING, *LIVE]):
        terminate_pod(pod, by=by)
    left = Pod.objects.live().filter(runner=runner)
    _wait(lambda: not left.exists(), PODS_END_WITHIN, "the Runner does not end its Pods")


def _wait(done: Callable[[], bool], within: float, why: str) -> None:
    give_up = time.monotonic() + within
    while not done():
        if time.monotonic() > give_up:
            raise TroubleError(f"Not stopped after {within:.0f} s: {why}; see {settings.HOME.logs}")
        time.sleep(PAUSE)


def _sentence(pods: int, *, services: bool) -> str:
    if not (pods or services):
        return "Nothing was running."
    ended = {0: "no Pods", 1: "1 Pod"}.get(pods, f"{pods} Pods")
    return f"Stopped {'the services and ' if services else ''}{ended}."
