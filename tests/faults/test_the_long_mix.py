"""Random faults over Pods that write, while commands, messages and keystrokes flow; then everything is compared."""

import pytest

from tests.faults import faults
from tests.faults.conftest import SECONDS, SEED
from tests.faults.mix import Mix, Plan


@pytest.mark.timeout(60 + SECONDS * 4)
async def test_nothing_is_lost_or_done_twice_on_postgresql(rig_on_postgres, postgres, note):
    every = faults.NETWORK + faults.PROCESSES + faults.BROKER + faults.of_database(postgres)
    mix = Mix(rig_on_postgres, Plan(SEED, SECONDS, every))
    await mix.run()
    for what, value in mix.figures().items():
        note(what, value, "")


@pytest.mark.timeout(60 + SECONDS * 4)
async def test_nothing_is_lost_or_done_twice_on_sqlite(rig, sqlite, note):
    every = faults.NETWORK + faults.PROCESSES + faults.BROKER + faults.of_database(sqlite)
    mix = Mix(rig, Plan(SEED + 1, SECONDS / 3, every))
    await mix.run()
    for what, value in mix.figures().items():
        note(what, value, "")
