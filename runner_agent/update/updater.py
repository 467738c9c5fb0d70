"""An update as the server asks for it: fetched, judged, installed and tried out beside what runs; then the switch.

All that can fail for long comes before the switch, while this daemon serves as ever. The switch itself is the launcher's.
A daemon that is started anew, this one or the next release's, is given the same Command again and goes on.
"""

import asyncio
import contextlib
import errno
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from runner_agent import __version__, machine
from runner_agent.config import Config
from runner_agent.link.release_stream import NotThereError
from runner_agent.messages import Command, CommandError
from runner_agent.session_messages import UpdateStep
from runner_agent.together import until_one_ends
from runner_agent.update import archive, journal, manifest, selftest
from runner_agent.update.download import MB, Fetch, download, held_of
from runner_agent.update.guard import Guard
from runner_agent.update.journal import SWITCHES_MAX, SWITCHING, Journal
from runner_agent.update.manifest import Manifest, ReleaseError, Signed
from runner_agent.update.releases import HEALTHY, TRYING, Releases, order
from runner_agent.update.wanted import Wanted, wanted_of

TELL_S = 1.0  # between two words on how far it is
JUDGED_S = 0.1  # between two looks at what the launcher decided

logger = logging.getLogger(__name__)


class Work(Protocol):
    """What this Runner is doing for others."""

    def held(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Inside, no new Command is begun."""

    async def quiet(self) -> None:
        """Until no Command is under way that a restart of the daemon would cut short."""

    async def drained(self) -> None:
        """Until no Pod runs."""

    async def silent(self) -> list[str]:
        """Pods whose hosts do not answer."""


class Others(Protocol):
    """Who does all other Commands."""

    async def do(self, command: Command) -> dict[str, Any]: ...
    async def evidence(self, command: Command) -> dict[str, Any] | None: ...
    def came_again(self, command: Command) -> None: ...


class Doing:
    """For `Commands`: an update is ours, all else is the supervisor's."""

    def __init__(self, others: Others, updater: "Updater") -> None:
        self._others, self._updater = others, updater

    async def do(self, command: Command) -> dict[str, Any]:
        if command.kind == "update":
            return await self._updater.do(command)
        return await self._others.do(command)

    async def evidence(self, command: Command) -> dict[str, Any] | None:
        return await self._others.evidence(command)

    def came_again(self, command: Command) -> None:
        self._others.came_again(command)


class Updater:
    def __init__(
        self,
        config: Config,
        guard: Guard,
        work: Work,
        fetch: Fetch,
        tell: Callable[[UpdateStep], None],
    ) -> None:
        self._config, self._guard, self._work = config, guard, work
        self._fetch, self._tell = fetch, tell
        self._releases = Releases(config.home)
        self._journal: Journal | None = None
        self._called_off: asyncio.Event | None = None  # while it waits
        self._told_at = 0.0

    async def do(self, command: Command) -> dict[str, Any]:
        """CommandError when this Runner stays, or is back, at the release it had."""
        if command.payload.get("cancel"):
            return self._cancel()
        wanted = wanted_of(command)
        if self._journal:
            raise CommandError(
                "busy", f"The update to {self._journal.version} is under way: {self._journal.step}."
            )
        self._journal = self._begun(wanted)
        try:
            result = await self._do(wanted, self._journal)
        except CommandError as error:
            self._over(self._journal, "failed", error.message)
            raise
        except (ReleaseError, NotThereError) as error:
            self._over(self._journal, "failed", str(error))
            raise CommandError(getattr(error, "code", "not_there"), str(error)) from error
        except OSError as error:
            self._over(self._journal, "failed", str(error))
            code = "disk_full" if error.errno == errno.ENOSPC else "not_installed"
            raise CommandError(
                code, f"The update could not be written: {error.strerror}."
            ) from error
        else:
            self._over(self._journal, "done", "")
            return result
        finally:
            self._journal = self._called_off = None

    # ---- the steps

    async def _do(self, wanted: Wanted, notes: Journal) -> dict[str, Any]:
        if (judged := await self._judged(wanted)) is not None:
            return judged | {"steps": notes.steps}
        made = self._verified(wanted)
        if made.version == __version__:
            return {"version": made.version, "already": True, "steps": notes.steps}
        if not self._is_installed(made, wanted.signed):
            await self._install(made, wanted.signed)
        self._step("self-test", "")
        await selftest.run(
            self._releases.command(made.version, "selftest"), self._config, made.version
        )
        async with contextlib.AsyncExitStack() as holding:
            await self._wait(wanted, holding)
            raise await self._switch(wanted, made, notes)

    def _verified(self, wanted: Wanted) -> Manifest:
        self._step("taken", "")
        made = manifest.verified(wanted.signed, manifest.pinned_key(self._config.release_key_file))
        ours = machine.release_platform(), machine.release_python()
        if (made.platform, made.python) != ours:
            raise CommandError(
                "other_platform",
                f"It is for {made.platform} and Python {made.python}; this is {ours[0]} with {ours[1]}.",
            )
        if order(made.version) < order(__version__):
            raise CommandError(
                "downgrade", f"{made.version} is older than {__version__}, which runs here."
            )
        return made

    def _is_installed(self, made: Manifest, signed: Signed) -> bool:
        told = self._releases.place(made.version) / "release.json"
        return told.exists() and told.read_text() == signed.text

    async def _install(self, made: Manifest, signed: Signed) -> None:
        self._releases.directory.mkdir(mode=0o700, exist_ok=True)
        part = self._releases.directory / f".{made.sha256}.part"
        for left in self._releases.directory.glob(".*.part"):
            if left != part:
                left.unlink()  # of an update that was given up
        archive.check_room(self._releases, made.size - held_of(part) + made.unpacked)
        await download(self._fetch, made, part, self._tell_download)
        self._step("verifying", "")
        try:
            await asyncio.to_thread(manifest.check_archive, part, made)
            self._step("installing", f"{made.unpacked // MB} MB")
            await asyncio.to_thread(archive.install, self._releases, part, made, signed)
        finally:
            part.unlink(missing_ok=True)

    async def _wait(self, wanted: Wanted, holding: contextlib.AsyncExitStack) -> None:
        """For Pods (drain), then for Commands under way, which nothing but the limit cuts short."""
        self._step(
            "waiting", "for its Pods to end" if wanted.mode == "drain" else "for Commands under way"
        )
        self._called_off = asyncio.Event()
        try:
            async with asyncio.timeout(wanted.wait_s):
                await until_one_ends(self._rest(wanted, holding), _set(self._called_off))
        except TimeoutError as error:
            if wanted.after == "give_up":
                raise CommandError(
                    "not_in_time", f"It was still at work after {wanted.wait_s:g} s."
                ) from error
        called_off, self._called_off = self._called_off, None
        if called_off.is_set():
            raise CommandError("cancelled", "The update was called off.")

    async def _rest(self, wanted: Wanted, holding: contextlib.AsyncExitStack) -> None:
        if wanted.mode == "drain":
            await self._work.drained()
        await holding.enter_async_context(self._work.held())
        await self._work.quiet()

    def _cancel(self) -> dict[str, Any]:
        if self._called_off is None:
            raise CommandError("not_waiting", "No update waits here that could be called off.")
        self._called_off.set()
        return {}

    async def _switch(self, wanted: Wanted, made: Manifest, notes: Journal) -> CommandError:
        """Does not return where it succeeds: the launcher ends this daemon."""
        if notes.switches >= SWITCHES_MAX:
            return CommandError(
                "cut_short", "The machine or its service stopped each time it was switched."
            )
        notes.switches += 1
        notes.silent = await self._work.silent()
        self._step(SWITCHING, f"from {__version__}")
        why = await self._guard.switch(made.version, wanted.id)
        return CommandError(
            "did_not_start", f"{made.version} did not start, {__version__} goes on. {why}"
        )

    async def _judged(self, wanted: Wanted) -> dict[str, Any] | None:
        """What the launcher decided, if this very update was switched; None if it was not yet."""
        trial = self._releases.trial()
        while trial and trial.attempt == wanted.id and trial.state == TRYING:
            await asyncio.sleep(JUDGED_S)
            trial = self._releases.trial()
        if trial is None or trial.attempt != wanted.id:
            return None
        if trial.state == HEALTHY:
            self._remove_others(trial.version, trial.previous)
            return {"version": trial.version, "from": trial.previous or "", "already": False}
        raise CommandError(
            "taken_back",
            f"{trial.version} was taken back, {__version__} serves again. {trial.reason}",
        )

    def _remove_others(self, *kept: str) -> None:
        for place in self._releases.directory.iterdir():
            if place.is_dir() and not place.is_symlink() and place.name not in kept:
                archive.remove(place)

    # ---- noting

    def _begun(self, wanted: Wanted) -> Journal:
        known = journal.read(self._config.update_file)
        if known and known.id == wanted.id:
            return known
        return Journal(wanted.id, wanted.version, __version__, wanted.mode)

    def _step(self, step: str, text: str, *, often: bool = False) -> None:
        assert self._journal  # noqa: S101
        if often and time.monotonic() - self._told_at < TELL_S:
            return
        self._told_at = time.monotonic()
        told = self._journal.note(step, text)
        self._journal.save(self._config.update_file)
        logger.info("update to %s: %s %s", self._journal.version, step, text)
        self._tell(told)

    def _tell_download(self, text: str, *, often: bool) -> None:
        self._step("downloading", text, often=often)

    def _over(self, notes: Journal, state: str, reason: str) -> None:
        notes.state, notes.reason = state, reason
        with contextlib.suppress(OSError):  # a full disk: the result says it
            notes.save(self._config.update_file)


async def _set(event: asyncio.Event) -> None:
    await event.wait()
