"""`make run` and `make stop`, as a person uses them."""

import json
import os
import signal
import socket
import stat
import time
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.journeys.system import Api, System, signed_in, wait

WARM_START = 20.0  # seconds; 10 on an idle machine, but other tests run beside


@pytest.fixture(scope="module")
def own():
    system = System(is_new=True)
    yield system
    system.close()


def test_it_starts_stops_and_goes_on_where_it_was(own):
    first = own.start()
    assert first.count("\n") == 1
    assert "[info" not in own.said.read_text()  # what it says is for a person
    assert own.run_file["login_url"] in first
    assert stat.S_IMODE((own.home / "run.json").stat().st_mode) == 0o600
    before = own.run_file
    api = own.api
    key = api.run("sh", "-c", "echo begun; sleep 1000")
    api.becomes(key, "running")
    pids = _pod_processes(own)
    assert pids

    last = own.interrupt()
    assert "2 Pods go on" in last  # the demo Pod of the first run, too
    assert "make stop" in last
    assert pids <= _pod_processes(own)  # the first Pod's agent may have begun a moment later

    began = time.monotonic()
    own.start()
    assert time.monotonic() - began < WARM_START
    api = own.api
    assert Api(before["url"], before["token"])("GET", "pods/").status == 401
    assert api.state(key) == "running"
    assert b"begun" in api.output(key)
    assert len(api.get("pods/")["results"]) == 2

    assert "2 Pods" in own.manage("down").stdout
    own.ended()
    assert _pod_processes(own) == set()


def _pod_processes(own: System) -> set[int]:
    """Processes that run for Pods of this system, by the home in their environment."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            environment = path.read_bytes()
        except OSError:
            continue
        if f"HOME={own.home}/runner/homes/".encode() in environment:
            found.add(int(path.parent.name))
    return found


def test_a_second_start_while_the_first_runs_is_one_sentence(system):
    again = system.manage("up", check=False)
    assert again.returncode != 0
    assert again.stdout == ""
    assert len(again.stderr.strip().splitlines()) == 1
    assert "make stop" in again.stderr


def test_a_taken_port_is_one_sentence_that_names_the_cure():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        system = System(MESH_PORT=str(taken.getsockname()[1]))
        again = system.manage("up", check=False)
    assert again.returncode != 0
    assert len(again.stderr.strip().splitlines()) == 1
    assert "MESH_PORT" in again.stderr
    system.close()


def test_stop_where_nothing_runs_says_so():
    system = System()
    assert "Nothing was running" in system.manage("down").stdout
    system.close()


def test_a_home_that_cannot_be_made_is_one_sentence_that_names_the_cure():
    system = System(MESH_HOME="/proc/mesh")
    again = system.manage("up", check=False)
    assert again.returncode != 0
    assert "MESH_HOME" in again.stderr.strip().splitlines()[-1]
    assert "Traceback" not in again.stderr
    system.close()


def test_what_a_killed_start_left_is_taken_over():
    system = System()
    try:
        system.start()
        os.kill(system.process.pid, signal.SIGKILL)
        system.ended()
        system.start()
        wait(lambda: _states(system) == {"RUNNING"}, lambda: _states(system))
    finally:
        system.close()


def _states(system):
    listed = json.loads(system.manage("status", "--json").stdout)
    return {each["state"] for each in listed["services"]}


def test_the_login_link_works_once(system):
    link = system.run_file["login_url"]
    assert link.startswith(system.run_file["url"])
    _, landed = signed_in(link)
    assert landed.endswith("/")
    with pytest.raises(HTTPError) as refused:
        signed_in(link)
    assert refused.value.code == 410
    refused.value.close()


def test_services_are_all_running(system):
    listed = json.loads(system.manage("status", "--json").stdout)
    assert wait(
        lambda: (
            {each["name"] for each in listed["services"] if each["state"] == "RUNNING"}
            == {"redis", "web", "gateway", "worker", "beat", "pods", "runner"}
        )
    )
