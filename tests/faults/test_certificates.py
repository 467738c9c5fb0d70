"""F16, F17: a Runner's certificate ends while it is away; the certificate authority is replaced while it works."""

import asyncio
import json
import time

import pytest

from runner_agent.link import identity as identities
from tests.faults.probe import probing
from tests.faults.system import Rig
from tests.journeys.system import wait

pytestmark = pytest.mark.timeout(240)

BACK = 10.0
CHANGED_OVER = 10.0
EXPIRED = """
import sys
from datetime import timedelta
from django.utils.timezone import now
from pods.models import Certificate, Runner
from pods.services import certificates, enrollment
from pods.services.authority import authority
runner = Runner.objects.get()
signed = authority().sign_runner(sys.argv[1].encode(), runner.pk, days=-1 / 24 / 60)
enrollment._keep(signed, runner)
print(certificates.certificate_pem(signed).decode())
"""


async def test_f16_a_runner_whose_certificate_ended_while_it_was_away_comes_back(rig, note):
    async with probing(rig) as probe:
        with rig.stopped("runner"):
            home = rig.home / "runner"
            csr = identities.signing_request((home / "key.pem").read_bytes()).decode()
            script = EXPIRED.replace("sys.argv[1]", repr(csr))
            pem = rig.manage("shell", "--no-imports", "-c", script).stdout
            (home / "certificate.pem").write_text(pem)
            started = time.monotonic()
        note("shown again", shown := await probe.shown_since(started))
        note("answers again", answers := await probe.answers_since(started))
    assert (home / "certificate.pem").read_text() != pem
    assert "certified Runner" in rig.log("gateway")
    assert max(shown, answers) <= BACK


async def test_f17_another_authority_takes_over_while_a_runner_works(rig, note):
    """Each step costs a Runner at most one new Session, opened before the old one is left."""
    signs, trusts = rig.home / "ca" / "ca.pem", rig.home / "runner" / "ca.pem"
    first, epoch = signs.read_text(), rig.epoch()
    steps = ("begin", "switch", "roll-back", "switch", "finish")
    async with probing(rig) as probe:
        for step in steps:
            now = await asyncio.to_thread(rig.manage, "authority", step, "--json")
            began, phase = time.monotonic(), json.loads(now.stdout)["phase"]
            await asyncio.to_thread(wait, lambda: _trusted(rig) == trusts.read_text())
            note(f"{phase}: told, and renewed", took := time.monotonic() - began)
            await asyncio.to_thread(wait, lambda phase=phase: not _waits_for(rig, phase))
            assert took <= CHANGED_OVER
        assert probe.seat.connections == 1
        assert rig.epoch() <= epoch + len(steps)
        rig.proxy.cut()
        await probe.answers_since(time.monotonic())  # by a handshake under the new one alone
    assert trusts.read_text() == signs.read_text() != first


def _trusted(rig: Rig) -> str:
    files = [rig.home / "ca" / f"{name}.pem" for name in ("ca", "next", "previous")]
    return "".join(file.read_text() for file in files if file.exists())


def _waits_for(rig: Rig, phase: str) -> list[str]:
    """Nothing is waited for in the end."""
    if phase == "standing":
        return []
    told = rig.manage("authority", "status", "--json").stdout
    return list(json.loads(told)["waits_for"])
