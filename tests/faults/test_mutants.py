"""The tests of the test: with one of four mistakes in our own code, the mix finds a difference."""

import pytest

from tests.faults import mutants
from tests.faults.mix import Mix, Plan

SHORT = 12.0
TRIES = 3  # of the mix, each with other moments: a mistake shows only where a fault meets it


@pytest.mark.timeout(400)
@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
async def test_the_mix_finds(rig, tmp_path, mutant):
    with mutants.running(rig, mutant, tmp_path):
        rig.attached()
        found = await _found(rig, mutant)
    assert _is_a_difference(found), found


async def _found(rig, mutant):
    for seed in range(1, TRIES + 1):
        try:
            await Mix(rig, _plan(mutant.faults, seed=seed)).run()
        except (AssertionError, ExceptionGroup) as error:
            return error
    return None


def _plan(chosen, settles_within=12.0, seed=1):
    """Short, with few Pods and quick ones."""
    return Plan(
        seed,
        SHORT,
        chosen,
        pods=3,
        flood_rate=1_500_000,
        pause=(0.5, 1.0),
        settles_within=settles_within,
    )


def _is_a_difference(error):
    """Not merely a system that does not run."""
    if isinstance(error, ExceptionGroup):
        return any(_is_a_difference(each) for each in error.exceptions)
    words = ("bytes came", "were written", "typed of", "other bytes", "expected byte", "was done")
    return isinstance(error, AssertionError) and any(word in str(error) for word in words)


@pytest.mark.timeout(400)
async def test_without_a_mistake_the_same_faults_make_no_difference(rig):
    every = tuple({fault for mutant in mutants.MUTANTS for fault in mutant.faults})
    await Mix(rig, _plan(every, 60.0)).run()
