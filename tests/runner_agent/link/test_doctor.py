"""`mesh-runner doctor` finds the usual trouble of a machine and says the cure."""

import dataclasses
import email.utils
import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from runner_agent import doctor, lock
from runner_agent.config import Enrolled
from runner_agent.doctor import Finding, examine
from runner_agent.link import identity as identities
from tests.runner_agent.link.authority import Authority


@pytest.fixture
def enrolled(config, identity):
    """A Runner's config; `server` and gateways may be given, and how long its certificate has left."""

    def make(*gateways: str, server: str = "", left: timedelta = timedelta(days=60)):
        made = dataclasses.replace(config, enrolled=Enrolled(server, 7, "alpha", gateways))
        identities.save(made, identity(life=left))
        return made

    return make


class Web:
    """Says what a server says of itself, with a clock that is off."""

    ahead_s = 0.0
    url = ""


@pytest.fixture
def web(authority: Authority) -> Iterator[Web]:
    made = Web()
    page = json.dumps({"ca_pem": authority.ca_pem.decode(), "enroll": "127.0.0.1:1"}).encode()

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page)

        def date_time_string(self, _timestamp: float | None = None) -> str:
            return email.utils.formatdate(time.time() + made.ahead_s, usegmt=True)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


async def found(config, check: str) -> Finding:
    return next(each for each in await examine(config) if each.check.startswith(check))


async def test_a_machine_that_is_not_enrolled_is_told_how_to(config):
    certificate = await found(config, "certificate")
    assert not certificate.ok
    assert "mesh-runner enroll" in certificate.cure


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=60), ""),
        (timedelta(days=3), "was not renewed"),
        (timedelta(minutes=-1), "expired"),
    ],
)
async def test_a_certificate_that_expires_is_told(enrolled, left, said):
    certificate = await found(enrolled(left=left), "certificate")
    assert certificate.ok == (not said)
    assert said in certificate.text
    assert bool(certificate.cure) == bool(said)


async def test_a_server_that_does_not_answer_is_told(enrolled):
    server = await found(enrolled(server="http://127.0.0.1:1"), "server")
    assert not server.ok
    assert "cannot be reached" in server.cure


@pytest.mark.parametrize(("ahead", "ok"), [(0, True), (-3600, False), (3600, False)])
async def test_a_clock_that_is_off_is_told(enrolled, web, ahead, ok):
    web.ahead_s = ahead
    config = enrolled(server=web.url)
    assert (await found(config, "server")).ok
    clock = await found(config, "clock")
    assert clock.ok == ok
    assert ok or "timedatectl" in clock.cure


async def test_a_gateway_that_takes_our_certificate_is_well(enrolled, gateway):
    assert (await found(enrolled(gateway.address), "gateway")).ok


@pytest.mark.parametrize(
    ("address", "step"),
    [("gateway.invalid:1", "name is not found"), ("127.0.0.1:1", "nothing listens")],
)
async def test_the_step_that_fails_on_the_way_to_a_gateway_is_named(enrolled, address, step):
    reached = await found(enrolled(address), "gateway")
    assert not reached.ok
    assert step in reached.text
    assert reached.cure


async def test_a_gateway_of_another_server_is_told_as_such(enrolled, gateway):
    config = enrolled(gateway.address)
    config.ca_file.write_bytes(Authority().ca_pem)
    reached = await found(config, "gateway")
    assert "TLS fails" in reached.text
    assert "Enroll again" in reached.cure


async def test_a_missing_bubblewrap_is_told_unless_it_is_not_wanted(
    enrolled, tmp_path, monkeypatch
):
    config = dataclasses.replace(enrolled(), path=str(tmp_path))
    monkeypatch.setattr("os.defpath", str(tmp_path))
    isolation = await found(config, "isolation")
    assert not isolation.ok
    assert "bubblewrap" in isolation.cure
    assert (await found(dataclasses.replace(config, isolation="none"), "isolation")).ok
    assert "package `git`" in (await found(config, "git")).cure


async def test_a_disk_that_is_nearly_full_is_told(enrolled, monkeypatch):
    assert (await found(enrolled(), "disk")).text.endswith(f"free in {enrolled().home}")
    monkeypatch.setattr(doctor, "DISK_LOW", 1 << 60)
    disk = await found(enrolled(), "disk")
    assert not disk.ok
    assert "Make room" in disk.cure


async def test_a_daemon_that_does_not_run_is_told_and_one_that_does_by_its_number(enrolled):
    config = enrolled()
    assert "mesh-runner run" in (await found(config, "daemon")).cure
    with lock.alone(config):
        assert (await found(config, "daemon")).ok


def test_its_exit_code_says_whether_all_is_well_and_json_says_the_same(config):
    asked = subprocess.run(
        [sys.executable, "-m", "runner_agent", "doctor", "--json", "--home", str(config.home)],
        capture_output=True,
        check=False,
    )
    told = {each["check"]: each for each in json.loads(asked.stdout)}
    assert asked.returncode == 1
    assert not told["certificate"]["ok"]
    assert told["disk"].keys() == {"check", "ok", "text", "cure"}
