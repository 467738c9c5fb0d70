"""`kill -9` of each process while a Pod counts lines: no line is lost or doubled, and the Pod stays running."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.journeys.system import wait
from tests.journeys.terminal import opened

COUNTS = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"


class Watcher:
    """A viewer that comes back with its offset whenever its connection ends."""

    def __init__(self, api, key) -> None:
        self.api, self.key = api, key
        self.data, self.connections = bytearray(), 0
        self.grown = asyncio.Event()

    async def watch(self) -> None:
        while True:
            try:
                async with opened(self.api, self.key, offset=len(self.data)) as terminal:
                    self.connections += 1
                    while True:
                        await terminal.step()
                        self.data += terminal.data
                        terminal.data.clear()
                        self.grown.set()
            except (ConnectionClosed, InvalidStatus, OSError, TimeoutError):
                await asyncio.sleep(0.1)

    def lines(self) -> list[int]:
        whole = bytes(self.data[: self.data.rfind(b"\n") + 1])
        return [int(line) for line in whole.split()]

    async def sees_more(self, lines: int = 100) -> None:
        goal = len(self.lines()) + lines
        async with asyncio.timeout(60):
            while len(self.lines()) < goal:
                self.grown.clear()
                await self.grown.wait()


@pytest.fixture
def counting(api):
    key = api.run("sh", "-c", COUNTS)
    api.becomes(key, "running")
    yield key
    api.terminate(key)


@pytest.mark.parametrize("service", ["runner", "gateway", "web", "worker", "redis", "pods", "beat"])
async def test_no_line_is_lost_when_a_process_is_killed(system, api, counting, service):
    watcher = Watcher(api, counting)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watcher.watch())
        await watcher.sees_more()
        await asyncio.to_thread(system.kill, service)
        await watcher.sees_more()
        watching.cancel()
    lines = watcher.lines()
    assert lines == list(range(1, len(lines) + 1))
    wait(lambda: api("GET", f"pods/{counting}/").status == 200)
    steps = [e["state"] for e in api.get(f"pods/{counting}/events/")["results"] if e["state"]]
    assert steps == ["pending", "starting", "running"]
    assert api.execute(counting, "echo alive")["stdout"] == "alive\n"


def test_what_is_asked_while_the_runner_is_away_is_done_once_when_it_is_back(system, api):
    kept = api.create()
    api.becomes(kept, "running")
    system.supervisor.stop_services(["runner"])
    wait(lambda: not api.get("runners/")["results"][0]["online"], within=60)
    asked = [api.run("sh", "-c", "echo once; sleep 1000", name=f"asked-{n}") for n in range(5)]
    assert api("POST", f"pods/{kept}/execute/", {"shell": "true"}).status == 503
    api.post(f"pods/{kept}/terminate/", {})
    screen = api.get(f"pods/{kept}/screen/")
    assert screen["as_of"]
    system.supervisor.start_service("runner")
    for key in asked:
        api.becomes(key, "running")
        assert wait(lambda key=key: api.output(key)) == b"once\r\n"
    assert api.becomes(kept, "terminated")
    for key in asked:
        api.terminate(key)
