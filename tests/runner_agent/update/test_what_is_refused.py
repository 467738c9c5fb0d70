"""What never gets as far as the switch: each leaves a clear word, and nothing behind."""

import asyncio
import contextlib
import dataclasses
import json
import uuid
from collections.abc import AsyncIterator

import pytest

import runner_agent
from runner_agent.link import identity as identities
from runner_agent.link.release_stream import BrokenOffError, NotThereError
from runner_agent.messages import Command, CommandError
from runner_agent.update import download, journal
from runner_agent.update.guard import Guard
from runner_agent.update.manifest import Signed
from runner_agent.update.releases import Releases
from runner_agent.update.updater import Updater
from tests.runner_agent.update import stage

NOW = runner_agent.__version__
NEXT = "0.9.0"


class Quiet:
    """A Runner at work as the test says. `busy` is under way until it is set."""

    def __init__(self) -> None:
        self.pods_ended, self.idle, self.is_held = asyncio.Event(), asyncio.Event(), False
        self.pods_ended.set()
        self.idle.set()

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        self.is_held = True
        try:
            yield
        finally:
            self.is_held = False

    async def quiet(self) -> None:
        await self.idle.wait()

    async def drained(self) -> None:
        await self.pods_ended.wait()

    async def silent(self) -> list[str]:
        return []


class Desk:
    """An Updater with a server that hands out `data`, broken off at each of `breaks`."""

    def __init__(self, config) -> None:
        self.config, self.work = config, Quiet()
        self.data, self.breaks, self.asked = b"", [], []
        self.steps = []
        self.updater = Updater(config, Guard(None), self.work, self._fetch, self._told)
        self.releases = Releases(config.home)

    async def ask(self, release, **payload):
        self.data, signed = release
        return await self.updater.do(
            Command(
                id=str(uuid.uuid4()),
                seq=1,
                kind="update",
                pod="",
                payload={
                    "version": NEXT,
                    "manifest": signed.text,
                    "signature": signed.signature,
                    "mode": "handover",
                    "wait_s": 60,
                    "after": "give_up",
                }
                | payload,
            )
        )

    async def refused(self, release, **payload) -> CommandError:
        with pytest.raises(CommandError) as refused:
            await self.ask(release, **payload)
        return refused.value

    async def _fetch(self, _sha256: str, offset: int) -> AsyncIterator[bytes]:
        self.asked.append(offset)
        stop = self.breaks.pop(0) if self.breaks else len(self.data)
        for at in range(offset, stop, stage.CHUNK):
            yield self.data[at : min(stop, at + stage.CHUNK)]
        if stop < len(self.data):
            raise BrokenOffError("cut")

    def _told(self, step) -> None:
        self.steps.append(step.step)


@pytest.fixture
def desk(authority, tmp_path) -> Desk:
    return Desk(stage.enrolled_home(authority, tmp_path / "home", str(tmp_path / "s")))


async def test_a_release_signed_with_another_key_is_not_even_fetched(desk, shop):
    data, signed = shop.make(NEXT)
    forged = Signed(signed.text, signed.signature[:-8] + "AAAAAA==")
    assert (await desk.refused((data, forged))).code == "bad_signature"
    changed = Signed(signed.text.replace(NEXT, "0.9.5"), signed.signature)
    assert (await desk.refused((data, changed))).code == "bad_signature"
    assert desk.asked == []
    assert journal.read(desk.config.update_file).state == "failed"


async def test_without_a_pinned_key_nothing_is_believed(desk, shop):
    desk.config.release_key_file.unlink()
    assert (await desk.refused(shop.make(NEXT))).code == "no_key"


async def test_the_first_key_stays(desk):
    identities.pin_release_key(desk.config, b"\1" * 32)
    assert desk.config.release_key_file.read_text().strip() == stage.PUBLIC.hex()


@pytest.mark.parametrize("bit", [100, 12_345, -9])
async def test_a_flipped_bit_is_noticed_and_nothing_of_it_stays(desk, shop, bit):
    data, signed = shop.make(NEXT)
    broken = bytearray(data)
    broken[bit // 8] ^= 1 << bit % 8
    assert (await desk.refused((bytes(broken), signed))).code == "damaged"
    assert list(desk.releases.directory.iterdir()) == []


async def test_an_older_release_and_one_for_another_machine_are_refused(desk, shop):
    assert (await desk.refused(shop.make("0.0.9"))).code == "downgrade"
    assert (await desk.refused(shop.make(NEXT, python="3.99"))).code == "other_platform"
    assert (await desk.refused(shop.make(NEXT, platform="plan9-mips"))).code == "other_platform"
    assert desk.asked == []


async def test_the_version_that_runs_is_no_failure_and_no_work(desk, shop):
    result = await desk.ask(shop.make(NOW))
    assert (result["version"], result["already"]) == (NOW, True)
    assert desk.asked == []


async def test_a_second_update_is_refused_while_one_is_under_way(desk, shop):
    desk.work.idle.clear()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(desk.refused(shop.make(NEXT)))
        async with asyncio.timeout(stage.WITHIN_S):
            while not desk.work.is_held:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        second = await desk.refused(shop.make("0.9.9"))
        assert (second.code, NEXT in second.message) == ("busy", True)
        desk.work.idle.set()
    assert first.result().code == "no_launcher"  # as far as this stage goes


async def test_a_download_goes_on_where_it_broke_off(desk, shop, monkeypatch):
    monkeypatch.setattr(download, "AGAIN_S", 0.0)
    release = shop.make(NEXT)
    desk.breaks = [70_000, 200_000, 200_000]
    assert (await desk.refused(release)).code == "no_launcher"
    assert desk.asked == [0, 70_000, 200_000, 200_000]
    assert desk.steps[-2:] == ["waiting", "switching"]
    assert (desk.releases.place(NEXT) / "run.py").exists()
    assert [one.name for one in desk.releases.directory.iterdir()] == [NEXT]


async def test_a_release_that_the_server_withdrew_is_said_to_be_gone(desk, shop, monkeypatch):
    async def gone(_sha256, _offset):
        raise NotThereError("There is no such release, or it was withdrawn.")
        yield b""

    desk.updater._fetch = gone
    assert "withdrawn" in (await desk.refused(shop.make(NEXT))).message


async def test_more_bytes_than_promised_are_not_taken(desk, shop):
    data, signed = shop.make(NEXT)
    assert (await desk.refused((data + b"x" * 1000, signed))).code == "damaged"


async def test_a_disk_with_too_little_room_is_said_before_anything_is_written(desk, shop):
    refused = await desk.refused(shop.make(NEXT, unpacked=1 << 60))
    assert refused.code == "disk_full"
    assert desk.asked == []


async def test_work_that_does_not_end_in_time_is_left_alone_if_so_asked(desk, shop):
    desk.work.idle.clear()
    refused = await desk.refused(shop.make(NEXT), wait_s=0.05)
    assert refused.code == "not_in_time"
    assert not desk.work.is_held
    assert "switching" not in desk.steps


async def test_after_the_limit_the_switch_is_made_if_so_asked(desk, shop):
    desk.work.pods_ended.clear()
    refused = await desk.refused(shop.make(NEXT), mode="drain", wait_s=0.05, after="handover")
    assert refused.code == "no_launcher"
    assert desk.steps[-1] == "switching"


async def test_an_update_that_waits_can_be_called_off(desk, shop):
    desk.work.pods_ended.clear()
    cancel = Command(id="c", seq=2, kind="update", pod="", payload={"cancel": True})
    with pytest.raises(CommandError):
        await desk.updater.do(cancel)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(desk.refused(shop.make(NEXT), mode="drain"))
        async with asyncio.timeout(stage.WITHIN_S):
            while "waiting" not in desk.steps:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await desk.updater.do(cancel) == {}
    assert first.result().code == "cancelled"
    assert not desk.work.is_held


async def test_what_was_installed_before_is_not_fetched_again(desk, shop):
    release = shop.make(NEXT)
    await desk.refused(release)
    await desk.refused(release)
    assert desk.asked == [0]


async def test_a_payload_that_is_none_says_so(desk, shop):
    assert (await desk.refused(shop.make(NEXT), mode="sideways")).code == "bad_payload"
    assert (await desk.refused(shop.make(NEXT), wait_s="soon")).code == "bad_payload"


async def test_an_archive_with_a_file_outside_of_it_is_not_unpacked(desk, shop):
    """Signed by us, and still: nothing is written outside its directory."""
    import io
    import tarfile

    from tests.runner_agent.update.stage import signed_archive

    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../outside"), io.BytesIO(b""))
    refused = await desk.refused(signed_archive(held.getvalue(), NEXT))
    assert refused.code == "bad_archive"
    assert list(desk.releases.directory.iterdir()) == []


def test_the_journal_says_when_each_step_began():
    notes = journal.Journal("id", NEXT, NOW, "drain")
    notes.note("waiting", "for 2 Pods")
    began = notes.steps[0]["at_ms"]
    notes.note("waiting", "for 1 Pod")
    assert [step["text"] for step in notes.steps] == ["for 1 Pod"]
    assert notes.steps[0]["at_ms"] == began
    assert json.dumps(dataclasses.asdict(notes))
