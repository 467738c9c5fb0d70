"""Pods that write numbered random bytes while commands, messages and keystrokes flow and faults happen; then all is compared."""

import asyncio
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.faults.compare import Comparison, Told, hear
from tests.faults.faults import Fault
from tests.faults.patient import Patient
from tests.faults.programs import writer
from tests.faults.seats import Page, Seat
from tests.faults.system import Rig

THREADS = 48  # calls that wait at the same time
SIZE, RATE = 2_000, 20_000  # bytes of a block at most; bytes a second
FLOOD_SIZE = 60_000  # of the Pods that only pages look at
RELOADED = 9.0  # seconds that a page is looked at
SETTLES_WITHIN = 60.0  # after the last fault


@dataclass(frozen=True)
class Plan:
    """`pods` write and are read whole, `floods` write much and are looked at by pages."""

    seed: int
    seconds: float
    faults: tuple[Fault, ...]
    pods: int = 8
    floods: int = 2
    flood_rate: int = 700_000
    least: int = 3  # faults, however slow the machine is
    pause: tuple[float, float] = (1.0, 3.0)  # between two faults
    settles_within: float = SETTLES_WITHIN


class Mix:
    def __init__(self, rig: Rig, plan: Plan) -> None:
        self._rig, self.plan = rig, plan
        self._random = random.Random(plan.seed)
        self._patient = Patient(rig.api)
        self.told = Told()
        self.caught_up_s = self._until = 0.0
        self._broken_enough = False

    async def run(self) -> None:
        """All of it, and the comparison: raises AssertionError saying what differs."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS))
        await asyncio.to_thread(self._begin)
        try:
            await self._meanwhile()
            await asyncio.to_thread(Comparison(self._rig, self.told).run)
        except BaseException as error:
            error.add_note(f"Happened: {', '.join(self.told.happened)}.")
            raise
        finally:
            await asyncio.to_thread(self._end)

    async def _meanwhile(self) -> None:
        async with asyncio.TaskGroup() as group:
            clients = [group.create_task(seat.sit()) for seat in self.told.seats]
            clients += [group.create_task(page.look(RELOADED)) for page in self.told.pages]
            await self._work()
            await self._settle()
            for client in clients:
                client.cancel()

    # ---- before

    def _begin(self) -> None:
        plan, told = self.plan, self.told
        for number in range(plan.pods + plan.floods):
            floods = number >= plan.pods
            size, rate = (FLOOD_SIZE, plan.flood_rate) if floods else (SIZE, RATE)
            spec = (plan.seed + number, int(rate * plan.seconds / (size / 2)), size)
            key = self._rig.write(spec, rate)
            told.pods[key] = spec
            if number < plan.pods:
                keys = b"".join(b"k%06d;" % n for n in range(int(80 * plan.seconds)))
                told.seats.append(Seat(self._rig.browser, key, keys))
            else:
                told.pages.append(Page(self._rig.browser, key, writer.expected(*spec)))
        name = f"mix-{plan.seed}-{time.monotonic_ns()}"
        told.channel = str(self._patient.once("channels/", {"name": name})["slug"])
        for key in told.pods:
            self._rig.api.becomes(key, "running")

    # ---- while it lasts

    async def _work(self) -> None:
        self._until = time.monotonic() + self.plan.seconds
        async with asyncio.TaskGroup() as group:
            group.create_task(self._break_things())
            group.create_task(self._type())
            for number in range(2):
                group.create_task(self._execute(number))
                group.create_task(self._say(number))
            group.create_task(self._start())
            for _ in range(2):
                self.told.heard.append([])
                group.create_task(self._listen(self.told.heard[-1]))

    async def _break_things(self) -> None:
        chance = random.Random(self.plan.seed)
        while self.plan.faults and (self._in_time() or len(self.told.happened) < self.plan.least):
            await asyncio.sleep(chance.uniform(*self.plan.pause))
            fault = chance.choice(self.plan.faults)
            at = self.plan.seconds - (self._until - time.monotonic())
            self.told.happened.append(f"{at:.1f} s {fault.name}")
            await asyncio.to_thread(fault.happen, self._rig, chance)
        self._broken_enough = True

    def _in_time(self) -> bool:
        return time.monotonic() < self._until

    def _goes_on(self) -> bool:
        return self._in_time() or not self._broken_enough

    async def _type(self) -> None:
        while self._goes_on():
            for seat in self.told.seats:
                seat.want(seat.wanted + self._random.randrange(0, 60))
            await asyncio.sleep(0.2)

    async def _execute(self, worker: int) -> None:
        number = 0
        while self._goes_on():
            number += 1
            name, key = f"x{worker}-{number}", self._random.choice([*self.told.pods])
            answer = await asyncio.to_thread(
                self._patient.execute, key, f"echo {name} >> executed; sleep 0.02"
            )
            outcome = "nobody knows" if answer is None else str(answer.status)
            if answer and answer.status == 202:
                outcome = f"command {answer.json['command']}"
            if answer and answer.status == 502:
                outcome = f"failed {answer.json['error']['code']}"
            self.told.executes[name] = key, outcome
            await asyncio.sleep(0.3)

    async def _say(self, worker: int) -> None:
        number = 0
        while self._goes_on():
            number += 1
            text = f"message {worker}-{number}"
            await asyncio.to_thread(
                self._patient.once, f"channels/{self.told.channel}/messages/", {"body": text}
            )
            self.told.said.append(text)
            await asyncio.sleep(0.1)

    async def _start(self) -> None:
        number = 0
        while self._goes_on():
            number += 1
            name = f"short-{number}"
            body = {"agent_type": "custom", "argv": ["sh", "-c", "echo once"], "name": name}
            pod = await asyncio.to_thread(self._patient.once, "pods/", body)
            self.told.shorts[name] = str(pod["key"])
            await asyncio.sleep(1.0)

    async def _listen(self, heard: list[tuple[int, str]]) -> None:
        while self._goes_on():
            await asyncio.to_thread(hear, self._patient, self.told.channel, heard, 1)
            await asyncio.sleep(0.1)

    # ---- after

    async def _settle(self) -> None:
        """A good network and all processes: what is owed arrives."""
        began = time.monotonic()
        self._rig.proxy.restore()
        self._rig.proxy.arrive_late()
        await asyncio.to_thread(self._rig.attached)
        await asyncio.to_thread(self._rig.answers, self.told.seats[0].key)
        for seat in self.told.seats:
            whole = len(self.told.whole(seat.key))
            try:
                await seat.until(lambda s, whole=whole: s.place.end >= whole, self._left(began))
                await seat.until(lambda s: s.taken >= s.wanted, self._left(began))
            except TimeoutError:
                raise AssertionError(
                    f"{seat.key} after {self.told.happened}: {seat.place.end} of {whole} bytes came,"
                    f" {seat.taken} of {seat.wanted} keystrokes were taken"
                ) from None
        self.caught_up_s = time.monotonic() - began

    def _left(self, began: float) -> float:
        return max(1.0, began + self.plan.settles_within - time.monotonic())

    def _end(self) -> None:
        self._rig.proxy.restore()
        for key in self.told.pods:
            self._patient.once(f"pods/{key}/terminate/", {"grace_s": 0})

    def figures(self) -> dict[str, Any]:
        told = self.told
        return {
            "faults": len(told.happened),
            "bytes": sum(len(seat.data) for seat in told.seats),
            "shown on pages": sum(page.shown for page in told.pages),
            "keystrokes": sum(seat.taken for seat in self.told.seats),
            "commands": len(told.executes) + len(told.shorts),
            "messages": len(told.said),
            "caught up, s": round(self.caught_up_s, 2),
        }
