"""`make run`: up, watch, and down again in order; running Pods go on."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from django.conf import settings

from mesh.up import local_runner, place
from mesh.up.start import start
from mesh.up.steps import say
from mesh.up.supervisor import Supervisor
from mesh.up.trouble import TroubleError
from pods.models import Pod

LOOKS_EVERY = 1.0  # seconds
# Each group is asked to end when the one before has ended.
ENDING = (["web", "beat"], ["runner", "worker"], ["gateway"], ["pods"], ["redis"])
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StoppedError(BaseException):
    """Ctrl-C or a signal: not an error, but the way out of whatever is being done."""


def run() -> None:
    """Returns when it was stopped; TroubleError when it cannot start or go on."""
    home = settings.HOME
    place.prepare(home)
    with place.held(home):
        home.run_file.unlink(missing_ok=True)
        supervisor = Supervisor(home)
        try:
            with _stoppable():
                sys.stdout.write(f"Mesh is ready: {start(supervisor)}\n")
                sys.stdout.flush()
                _watch(supervisor)
        except StoppedError:
            say("")
        finally:
            _end(supervisor)
        say(_last_words())


@contextmanager
def _stoppable() -> Iterator[None]:
    """The first signal stops; later ones change nothing, for stopping is under way."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for name in SIGNALS:
            signal.signal(name, signal.SIG_IGN)
        raise StoppedError

    for name in SIGNALS:
        signal.signal(name, stop)
    yield


def _watch(supervisor: Supervisor) -> None:
    """Say once of each service that it was given up, until a signal comes."""
    said: set[str] = set()
    while supervisor.lives():
        for each in supervisor.processes():
            if each["state"] in {"FATAL", "EXITED"} and each["name"] not in said:
                said.add(each["name"])
                log = supervisor.home.logs / f"{each['name']}.log"
                say(f"  {each['name']} has ended and stays so: its last words are in {log}")
        time.sleep(LOOKS_EVERY)
    raise TroubleError(f"The supervisor has died: see {supervisor.home.logs}/supervisord.log")


def _end(supervisor: Supervisor) -> None:
    if not supervisor.answers():
        return
    for names in ENDING:
        supervisor.stop_services(names)
    supervisor.end()
    supervisor.home.run_file.unlink(missing_ok=True)


def _last_words() -> str:
    runner = local_runner.enrolled(settings.HOME.runner)
    going_on = Pod.objects.live().filter(runner=runner).count() if runner else 0
    if not going_on:
        return "Stopped. No Pods are running."
    pods = "1 Pod goes" if going_on == 1 else f"{going_on} Pods go"
    return f"Stopped. {pods} on; `make run` takes them up again, `make stop` ends them."
