"""How long keys take is measured at the gateway, once the Pod's host says that its terminal took them."""

import pytest

from pods.gateway import measures
from tests.pods.terminals.conftest import World
from tests.pods.terminals.runner import FakeRunner

pytestmark = pytest.mark.django_db(transaction=True)


def timed() -> float:
    return next(
        sample.value
        for family in measures.REGISTRY.collect()
        for sample in family.samples
        if sample.name == "mesh_echo_seconds_count"
    )


async def test_a_key_that_was_taken_is_timed(world: World, runner: FakeRunner) -> None:
    before = timed()
    async with world.open(offset=0, client="me") as browser:
        await browser.text("state", connected=True)
        browser.type(b"ls", 0)
        await browser.text("taken", position=2)
    assert timed() == before + 1


async def test_what_is_refused_is_not_timed() -> None:
    before = timed()
    watch = measures.EchoWatch()
    watch.typed("me", 5)
    watch.taken("me", 4)
    watch.forget("me")
    watch.taken("me", 5)
    assert timed() == before
    watch.typed("me", 6)
    watch.taken("me", 6)
    assert timed() == before + 1
