"""Waiting for news: woken by what it waits for, by the clock when news is lost, and by nothing for ever."""

import asyncio

import pytest
from channels.layers import InMemoryChannelLayer, get_channel_layer

from pods.news import group
from pods.waiting import look_until

pytestmark = pytest.mark.looptime

MESSAGE = frozenset({"message"})


class Looked:
    """Answers None until it has been looked at so often."""

    def __init__(self, after=float("inf")):
        self.after, self.times = after, []

    async def __call__(self, _news):
        self.times.append(asyncio.get_running_loop().time())
        return "found" if len(self.times) > self.after else None


async def say(kind, organization=1):
    news = {"type": "news", "kind": kind, "key": "k", "state": ""}
    await get_channel_layer().group_send(group(organization), news)


async def wait(look, *, seconds=10.0, every=100.0):
    return await look_until(look, organization_id=1, kinds=MESSAGE, seconds=seconds, every=every)


async def in_a_while(seconds, *kinds):
    await asyncio.sleep(seconds)
    for kind in kinds:
        await say(kind)


async def test_what_is_there_already_is_answered_at_once():
    look = Looked(0)
    assert await wait(look) == "found"
    assert look.times == [0]


async def test_news_of_its_kind_makes_it_look_again():
    look = Looked(1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(in_a_while(3, "message"))
        assert await wait(look) == "found"
    assert look.times == [0, pytest.approx(3, abs=0.1)]


async def test_other_news_does_not_wake_it():
    look = Looked(1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(in_a_while(3, "pod", "runner"))
        assert await wait(look, seconds=10) == "found"  # one last look when time is up
    assert look.times == [0, pytest.approx(10, abs=0.1)]


async def test_without_news_it_looks_now_and_then_until_time_is_up():
    look = Looked()
    assert await wait(look, seconds=5, every=2) is None
    assert look.times == [0, *(pytest.approx(at, abs=0.1) for at in (2, 4, 5))]


async def test_what_looking_raises_is_raised_as_it_is():
    async def broken(_news):
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        await wait(broken)


async def test_it_leaves_no_channel_behind():
    layer = get_channel_layer()
    await wait(Looked(0))
    await wait(Looked(), seconds=1)
    async with asyncio.timeout(3):
        while layer.groups.get(group(1)):  # noqa: ASYNC110 - the layer tells nobody
            await asyncio.sleep(0.1)


async def test_all_who_wait_hear_through_one_listener():
    layer, looks = get_channel_layer(), [Looked(1) for _ in range(3)]
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(wait(look)) for look in looks]
        await asyncio.sleep(1)
        assert len(layer.groups[group(1)]) == 1
        await say("message")
    assert [one.result() for one in waiting] == ["found"] * 3


async def test_who_waits_again_at_once_hears_through_the_same_listener():
    layer = get_channel_layer()
    await wait(Looked(), seconds=1)
    before = set(layer.groups[group(1)])
    await wait(Looked(), seconds=1)
    assert set(layer.groups[group(1)]) == before


async def test_with_redis_away_the_clock_is_enough(monkeypatch):
    async def away(*_args):
        raise OSError("away")

    monkeypatch.setattr(InMemoryChannelLayer, "group_add", away)
    look = Looked(2)
    assert await wait(look, every=2) == "found"


async def test_a_redis_that_hangs_holds_nobody_up(monkeypatch):
    async def hang(*_args):
        await asyncio.Event().wait()

    monkeypatch.setattr(InMemoryChannelLayer, "group_add", hang)
    look = Looked(1)
    assert await wait(look, every=2) == "found"
    assert look.times[0] == pytest.approx(1, abs=0.1)


async def test_nor_does_one_that_hangs_when_it_is_left(monkeypatch):
    async def hang(*_args):
        await asyncio.Event().wait()

    monkeypatch.setattr(InMemoryChannelLayer, "group_discard", hang)
    async with asyncio.timeout(3):
        assert await wait(Looked(0)) == "found"
    await in_a_while(3)  # the listener ends later, by itself


async def test_nor_does_one_that_hangs_when_listening_is_cancelled(monkeypatch):
    async def hang(*_args):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    async def broken(_news):
        raise LookupError("gone")

    monkeypatch.setattr(InMemoryChannelLayer, "receive", hang)
    async with asyncio.timeout(3):
        assert await wait(Looked(0)) == "found"
    async with asyncio.timeout(3):
        with pytest.raises(LookupError, match="gone"):
            await wait(broken)
    await in_a_while(3)
