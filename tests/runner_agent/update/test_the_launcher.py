"""The launcher alone, with daemons of a few lines: who is started, who is taken back, and what is passed on."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from runner_agent.update.launcher import STARTS_MAX
from runner_agent.update.releases import HEALTHY, TAKEN_BACK, TRYING, Releases, Trial
from tests.runner_agent.update.stage import LAUNCH

WITHIN_S = 30.0
DAEMON = """\
import json, os, signal, socket, sys, time
from pathlib import Path
line = socket.socket(fileno=int(os.environ["MESH_RUNNER_GUARD"]))
home = Path(sys.argv[sys.argv.index("--home") + 1])
words = line.makefile()
def say(**word): line.sendall(json.dumps(word).encode() + b"\\n")
def hear(): return json.loads(words.readline())
def note(text):
    with (home / "seen").open("a") as seen: seen.write(f"{VERSION} {text}\\n")
def serve():
    while True: time.sleep(1)
def leave(*_):
    note("left")
    os._exit(0)
note(f"starts {os.getpid()}")
"""
OF_OLD = """\
say(word="warm")
hear()
signal.signal(signal.SIGTERM, leave)
note("serves")
say(word="healthy")
while not (home / "switch").exists(): time.sleep(0.01)
say(word="switch", version="8.0", attempt="a1")
answer = hear()
while answer["word"] == "kept": answer = hear()
note("is told " + json.dumps(answer))
serve()
"""
GOOD = OF_OLD.replace('(home / "switch")', '(home / "never")')
HANGS = 'say(word="warm"); hear(); note("serves"); serve()'
LONELY = """\
say(word="warm")
assert hear()["text"] == "on trial"
note("serves")
while True: say(word="alive"); time.sleep(0.05)
"""
CRASHES = 'say(word="warm"); hear(); note("serves"); say(word="died", text="a pity"); sys.exit(9)'


class Stage:
    def __init__(self, home: Path) -> None:
        self.home, self.releases = home, Releases(home)
        self.process: subprocess.Popen[bytes] | None = None
        self.releases.directory.mkdir(parents=True)

    def put(self, version: str, daemon: str) -> None:
        place = self.releases.place(version)
        place.mkdir()
        (place / "run.py").write_text(f"VERSION = {version!r}\n{DAEMON}{daemon}")

    def start(self, limits: str = "warm=3, healthy=2, leave=3") -> None:
        launch = LAUNCH.format(limits=limits)
        self.process = subprocess.Popen([sys.executable, "-c", launch, str(self.home)])

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(WITHIN_S)

    def switch(self) -> None:
        (self.home / "switch").touch()

    def seen(self) -> list[str]:
        file = self.home / "seen"
        return file.read_text().splitlines() if file.exists() else []

    def sees(self, line: str, times: int = 1) -> None:
        until(lambda: sum(one.startswith(line) for one in self.seen()) >= times, self.seen)

    def pids(self) -> list[int]:
        return [int(line.split()[2]) for line in self.seen() if " starts " in line]


def until(true, said) -> None:
    give_up = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < give_up, said()
        time.sleep(0.01)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """7.0 runs and asks for 8.0 when it is told to."""
    made = Stage(tmp_path / "home")
    made.put("7.0", OF_OLD)
    made.releases.point("7.0")
    yield made
    if made.process and made.process.poll() is None:
        made.process.kill()
        made.process.wait()
    for pid in made.pids():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_the_current_release_is_started_and_a_stop_is_passed_on(stage):
    stage.start()
    stage.sees("7.0 serves")
    assert stage.stop() == 0
    assert stage.seen()[-1] == "7.0 left"


def test_a_daemon_never_outlives_its_launcher(stage):
    stage.start()
    stage.sees("7.0 serves")
    stage.process.kill()
    stage.process.wait()
    until(lambda: gone(stage.pids()[0]), stage.seen)


def test_the_end_of_a_daemon_is_the_launchers_too(stage):
    """Starting it again is the service's work: it knows how often, and that 78 is final."""
    (stage.releases.place("7.0") / "run.py").write_text("raise SystemExit(78)")
    stage.start()
    assert stage.process.wait(WITHIN_S) == 78
    (stage.releases.place("7.0") / "run.py").write_text("import os; os.kill(os.getpid(), 9)")
    stage.start()
    assert stage.process.wait(WITHIN_S) == 128 + 9


def test_the_one_that_serves_leaves_only_when_the_next_is_warm(stage):
    stage.put("8.0", GOOD)
    stage.start()
    stage.sees("7.0 serves")
    stage.switch()
    stage.sees("8.0 serves")
    order = [line for line in stage.seen() if "starts" not in line]
    assert order == ["7.0 serves", "7.0 left", "8.0 serves"]
    until(lambda: stage.releases.trial().state == HEALTHY, stage.releases.trial)
    assert stage.releases.current == "8.0"
    assert stage.stop() == 0


@pytest.mark.parametrize(
    ("daemon", "why"),
    [
        ("raise SystemExit('no')", "exit code 1"),
        ("time.sleep(100)", "not ready after 3 s"),
        ("os.kill(os.getpid(), 11)", "ended by signal 11"),
    ],
    ids=["crashes", "hangs", "segfaults"],
)
def test_one_that_does_not_get_warm_never_takes_over(stage, daemon, why):
    stage.put("8.0", daemon)
    stage.start()
    stage.sees("7.0 serves")
    stage.switch()
    stage.sees('7.0 is told {"word": "stay"')
    assert why in stage.seen()[-1]
    assert "7.0 left" not in stage.seen()
    assert stage.releases.trial() is None
    assert stage.releases.current == "7.0"
    assert stage.stop() == 0


@pytest.mark.parametrize(
    ("daemon", "limits", "why"),
    [
        (LONELY, "healthy=1", "not attached and healthy after 1 s"),
        (HANGS, "silent=1", "It hung: not a word for 1 s"),
        (CRASHES, "", "exit code 9"),
    ],
    ids=["lonely", "hangs", "crashes"],
)
def test_one_that_serves_badly_is_taken_back(stage, daemon, limits, why):
    stage.put("8.0", daemon)
    stage.start(limits)
    stage.sees("7.0 serves")
    stage.switch()
    stage.sees("8.0 starts")
    (stage.home / "switch").rename(stage.home / "switched")
    stage.sees("7.0 serves", times=2)
    trial = stage.releases.trial()
    assert (trial.state, trial.version, trial.attempt) == (TAKEN_BACK, "8.0", "a1")
    assert why in trial.reason
    if daemon is CRASHES:
        assert "a pity" in trial.reason
    assert stage.releases.current == "7.0"
    assert stage.stop() == 0


def test_one_that_does_not_leave_is_ended_so_that_the_next_can_serve(stage):
    stubborn = OF_OLD.replace("signal.SIGTERM, leave", "signal.SIGTERM, signal.SIG_IGN")
    (stage.releases.place("7.0") / "run.py").write_text(f"VERSION = '7.0'\n{DAEMON}{stubborn}")
    stage.put("8.0", GOOD)
    stage.start(limits="leave=0.5")
    stage.sees("7.0 serves")
    stage.switch()
    stage.sees("8.0 serves")
    assert gone(stage.pids()[0])
    assert stage.stop() == 0


def test_a_trial_that_the_machine_cut_short_is_tried_again_and_not_for_ever(stage):
    stage.put("8.0", HANGS)
    stage.releases.note(Trial("a1", "8.0", "7.0"))
    for starts in range(2, STARTS_MAX + 1):
        stage.start(limits="silent=60")
        stage.sees("8.0 serves", times=starts - 1)
        assert stage.releases.trial().starts == starts
        stage.process.kill()
        stage.process.wait()
    stage.start()
    stage.sees("7.0 serves")
    assert stage.releases.trial().state == TAKEN_BACK
    assert "cut short" in stage.releases.trial().reason
    assert stage.stop() == 0


def test_a_launcher_killed_between_verdict_and_link_follows_the_verdict(stage):
    stage.put("8.0", GOOD)
    stage.releases.point("8.0")
    stage.releases.note(Trial("a1", "8.0", "7.0", state=TAKEN_BACK, reason="bad"))
    stage.start()
    stage.sees("7.0 serves")
    assert stage.stop() == 0


def test_a_stop_during_the_switch_ends_both(stage):
    stage.put("8.0", "time.sleep(100)")
    stage.start(limits="warm=60")
    stage.sees("7.0 serves")
    stage.switch()
    stage.sees("8.0 starts")
    assert stage.stop() == 0
    assert all(gone(pid) for pid in stage.pids())


@pytest.mark.parametrize("damage", ["release", "trial", "link"])
def test_what_is_damaged_is_as_if_it_were_not_there(stage, damage):
    match damage:
        case "release":
            (stage.releases.place("7.0") / "run.py").unlink()
        case "trial":
            (stage.releases.directory / "trial.json").write_text("{")
        case "link":
            stage.releases.point("no version")
    assert stage.releases.trial() is None
    assert stage.releases.current == ("7.0" if damage == "trial" else "")


def test_what_the_person_installed_is_newer_than_an_old_release(stage):
    stage.put("0.0.1", GOOD)
    stage.releases.point("0.0.1")
    assert stage.releases.current == ""
    assert stage.releases.command("")[1:] == ["-m", "runner_agent"]


def test_a_trial_is_on_the_disk_as_it_was_noted(stage):
    trial = Trial("a1", "8.0", "7.0", TRYING, 2, "because")
    stage.releases.note(trial)
    assert stage.releases.trial() == trial
    assert json.loads((stage.releases.directory / "trial.json").read_text())["starts"] == 2


def test_the_launcher_is_small(stage):
    stage.start()
    stage.sees("7.0 serves")
    modules = psutil.Process(stage.process.pid).memory_info().rss
    assert modules < 20 << 20
    assert stage.stop() == 0
