"""F08: the database is locked, killed, gone. Who asks is told to come again; nothing that was confirmed is lost."""

import asyncio
import time

import pytest

from tests.faults.probe import probing
from tests.journeys.system import wait

WELL_AGAIN = 10.0
GONE_S = 4.0


@pytest.fixture(params=["sqlite", "postgres"])
def stage(request):
    """A system and its database."""
    if request.param == "sqlite":
        return request.getfixturevalue("rig"), request.getfixturevalue("sqlite")
    return request.getfixturevalue("rig_on_postgres"), request.getfixturevalue("postgres")


async def test_f08_while_it_is_locked_writers_wait_and_bytes_flow(stage, note):
    rig, database = stage
    async with probing(rig) as probe, asyncio.TaskGroup() as group:
        with database.locked():
            began = time.monotonic()
            key = group.create_task(asyncio.to_thread(rig.api.run, "sh", "-c", "echo once"))
            note("shown meanwhile", await probe.shown_since(began))
            await probe.shown_since(began + GONE_S)
            assert not key.done()
        back = time.monotonic()
        note("answers again", answers := await probe.answers_since(back))
        await asyncio.to_thread(rig.api.becomes, await key, "completed")
    assert rig.api.output(key.result()) == b"once\r\n"
    assert answers <= WELL_AGAIN


async def test_f08_while_postgresql_is_gone_who_asks_is_told_to_come_again(
    rig_on_postgres, postgres, note
):
    rig = rig_on_postgres
    async with probing(rig) as probe:
        with postgres.away():
            refused = await asyncio.to_thread(wait, lambda: _unless_ok(rig.api("GET", "pods/")))
            unready = await asyncio.to_thread(wait, lambda: _unless_ok(rig.get("readyz")))
        back = time.monotonic()
        note("answers again", answers := await probe.answers_since(back))
        note("shown again", shown := await probe.shown_since(back))
        await asyncio.to_thread(wait, lambda: rig.get("readyz").status == 200)
    assert refused.status == 503
    assert refused.json["error"]["code"] == "database_away"
    assert int(refused.headers["Retry-After"]) > 0
    assert unready.status == 503
    assert max(answers, shown) <= WELL_AGAIN
    assert rig.steps(probe.key)[:3] == ["pending", "starting", "running"]


def _unless_ok(answer):
    return answer if answer.status != 200 else None


WAITS = "echo done >> executed; until test -e go; do sleep 0.05; done; touch over"


async def test_f08_a_result_is_not_confirmed_before_it_is_committed(stage):
    """Done by the Runner while nobody can write, and the gateway dies before it could."""
    rig, database = stage
    async with probing(rig) as probe, asyncio.TaskGroup() as group:
        asked = asyncio.to_thread(rig.api.execute, probe.key, WAITS)
        executing = group.create_task(asked)
        await asyncio.to_thread(wait, rig.made(probe.key, "executed").exists)
        with database.locked():
            rig.made(probe.key, "go").touch()
            await asyncio.to_thread(wait, rig.made(probe.key, "over").exists)
            await probe.shown_since(time.monotonic() + 1)  # the gateway has heard, and waits
            await asyncio.to_thread(rig.crash, "gateway")
        assert (await executing)["exit_code"] == 0
        assert rig.api.execute(probe.key, "cat executed")["stdout"] == "done\n"
