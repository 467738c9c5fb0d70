"""How long until all is well again: seen by somebody who looks at a Pod, and by somebody who asks something of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.faults.patient import Patient
from tests.faults.seats import Seat
from tests.faults.system import PROGRAMS, Rig

TICKER = (PROGRAMS / "ticker.py").read_text()
NS = 1_000_000_000


class Probe:
    """One look at a Pod that ticks."""

    def __init__(self, rig: Rig, key: str) -> None:
        self.rig, self.key = rig, key
        self.seat = Seat(rig.api, key, b"0123456789" * 100)
        self._patient = Patient(rig.api)
        self._read = 0
        self.newest = 0.0  # when the newest line that arrived was written

    async def shown_since(self, moment: float, within: float = 60.0) -> float:
        """The seconds from `moment` until a line is shown that was written after it."""
        await self.seat.until(lambda _: self._newest() > moment, within)
        return time.monotonic() - moment

    async def answers_since(self, moment: float, within: float = 60.0) -> float:
        """The seconds from `moment` until a command line has run in the Pod."""
        async with asyncio.timeout(within):
            while True:
                answer = await asyncio.to_thread(self._patient.execute, self.key, "true", 5)
                if answer and answer.status == 200:
                    return time.monotonic() - moment
                await asyncio.sleep(0.05)

    def compare(self) -> None:
        """Every line once, in order, and nothing else but what was typed."""
        assert not self.seat.place.wrong, self.seat.place.wrong[:3]
        lines = bytes(self.seat.data).split(b"\r\n")[:-1]
        ticks = [int(line.split()[0]) for line in lines if not line.startswith(b"typed")]
        assert ticks == list(range(1, len(ticks) + 1))

    def typed(self) -> bytes:
        """What came back of the keys."""
        lines = bytes(self.seat.data).split(b"\r\n")[:-1]
        return b"".join(line.removeprefix(b"typed ") for line in lines if line.startswith(b"typed"))

    def _newest(self) -> float:
        lines = bytes(self.seat.data[self._read :]).split(b"\r\n")
        self._read = len(self.seat.data) - len(lines.pop())
        for line in lines:
            if not line.startswith(b"typed"):
                self.newest = int(line.split()[1]) / NS
        return self.newest


@asynccontextmanager
async def probing(rig: Rig) -> AsyncIterator[Probe]:
    """A new Pod, looked at all the time; at the end it is compared and ended."""
    key = await asyncio.to_thread(rig.api.run, "python3", "-c", TICKER)
    probe = Probe(rig, key)
    async with asyncio.TaskGroup() as group:
        sitting = group.create_task(probe.seat.sit())
        await probe.shown_since(time.monotonic())
        yield probe
        rig.proxy.restore()
        await probe.shown_since(time.monotonic())
        sitting.cancel()
    probe.compare()
    await asyncio.to_thread(rig.answers, key)
    await asyncio.to_thread(rig.api.terminate, key)
