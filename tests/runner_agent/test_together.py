"""Jobs side by side."""

import asyncio

import pytest

from runner_agent.together import until_one_ends


async def forever() -> None:
    await asyncio.Event().wait()


async def fails_when_it_is_stopped() -> None:
    try:
        await forever()
    finally:
        raise OSError("broken in the same moment")


async def test_the_end_of_one_stops_the_rest():
    await until_one_ends(forever(), asyncio.sleep(0))


async def test_what_failed_is_raised():
    with pytest.raises(ExceptionGroup) as raised:
        await until_one_ends(forever(), fails())
    assert raised.group_contains(OSError)


async def fails() -> None:
    raise OSError


async def test_a_failure_in_the_moment_of_a_cancellation_does_not_undo_it():
    async with asyncio.TaskGroup() as group:
        task = group.create_task(until_one_ends(forever(), fails_when_it_is_stopped()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()
