"""The tests of the test: with one of four mistakes in our own code, the mix finds a difference."""

import pytest

from tests.faults import mutants
from tests.faults.mix import Mix, Plan

SHORT = 12.0


@pytest.mark.timeout(400)
@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
async def test_the_mix_finds(rig, tmp_path, mutant):
    plan = _plan(mutant.faults)
    with mutants.running(rig, mutant, tmp_path):
        rig.attached()
        with pytest.raises((AssertionError, ExceptionGroup)) as found:
            await Mix(rig, plan).run()
    assert _is_a_difference(found.value), found.value


def _plan(chosen, settles_within=12.0):
    """Short, with few Pods and quick ones."""
    return Plan(
        1,
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
