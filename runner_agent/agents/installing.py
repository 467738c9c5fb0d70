"""Install one version of an agent: into a draft, checked, then renamed. Killed anywhere, nothing looks installed."""

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from runner_agent.agents import node, npm, pip, prefixes, versions, wrappers
from runner_agent.agents.prefixes import Installed
from runner_agent.agents.spec import AgentSpec, Install
from runner_agent.agents.workbench import Workbench
from runner_agent.config import Config
from runner_agent.jail.confine import Isolation
from runner_agent.workspaces import removal

ROOM_OF_COMMAND = 1 << 28
LOCK_POLL_S = 0.2
STARTS_WITHIN_S = 60.0
_ROOMS = {"npm": npm.ROOM, "pip": pip.ROOM, "command": ROOM_OF_COMMAND}

Say = Callable[[str], None]


async def install(config: Config, spec: AgentSpec, isolation: Isolation, say: Say) -> Installed:
    """CommandError agent_install_failed. Cancelled or killed, it leaves at most a draft, which the next one removes."""
    wanted = spec.install
    directory = config.agents / spec.slug
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = hashlib.sha256(repr(wanted).encode()).hexdigest()[:12]
    draft = directory / f".draft-{mark}"
    async with _alone(directory / f".lock-{mark}", say) as lock:
        if found := prefixes.find(config, spec.slug, wanted):
            return found  # another process was quicker
        bench = Workbench(
            config=config,
            draft=draft,
            lock=lock,
            name=spec.name or spec.slug,
            what=" ".join(filter(None, (wanted.package or wanted.program, wanted.version))),
            room=_ROOMS[wanted.kind],
            say=say,
            isolation=isolation,
        )
        bench.check_room()
        remove = partial(asyncio.to_thread, removal.remove, draft, config.trash)
        await remove()
        draft.mkdir(mode=0o700)
        try:
            return await _into_draft(bench, spec)
        finally:
            await asyncio.shield(remove())


async def _into_draft(bench: Workbench, spec: AgentSpec) -> Installed:
    wanted = spec.install
    fill = {"npm": _npm, "pip": _pip}.get(wanted.kind, _command)
    filled = await fill(bench, wanted)
    if wanted.checksum not in ("", filled.checksum):
        raise bench.failed(
            f"its checksum is {filled.checksum}, not {wanted.checksum}: it is not what the agent type names."
        )
    said = await wrappers.check(bench, wanted.program, STARTS_WITHIN_S)
    installed = Installed(
        slug=spec.slug,
        version=filled.version or said or "unknown",
        program=wanted.program,
        kind=wanted.kind,
        package=wanted.package,
        size=await asyncio.to_thread(_size, bench.draft),
        needs=filled.needs,
        checksum=filled.checksum,
    )
    try:
        return await asyncio.to_thread(prefixes.finish, bench.config, bench.draft, installed)
    except OSError as error:
        raise bench.failed(f"{error}.") from error


@dataclass(frozen=True, slots=True)
class _Filled:
    """`needs`: tools that it runs with."""

    version: str
    checksum: str
    needs: tuple[str, ...] = ()


async def _npm(bench: Workbench, wanted: Install) -> _Filled:
    used = await node.provide_npm(bench)  # its node may do, where the machine has none
    with_node = await node.provide(bench, wanted.node, wanted.mirror)
    used = node.running_with(with_node, used)
    version = await npm.install(bench, used, wanted.package, wanted.version, wanted.mirror)
    wrappers.of_npm(bench, wanted.package, wanted.program, with_node)
    needs = (with_node.tool,) if with_node.tool else ()
    return _Filled(version, npm.integrity(bench.draft, wanted.package), needs)


async def _pip(bench: Workbench, wanted: Install) -> _Filled:
    version = await pip.install(bench, wanted.package, wanted.version, wanted.mirror)
    wrappers.of_venv(bench, wanted.program)
    return _Filled(version, f"sha256:{pip.sha256(bench.draft, wanted.package)}")


async def _command(bench: Workbench, wanted: Install) -> _Filled:
    """The declared command, in a jail, fills PREFIX, which is moved afterwards: nothing in it may name itself."""
    if not wanted.command:
        raise bench.failed("its declaration names no command.")
    argv = bench.confined(*wanted.command)
    with bench.home() as home:
        env = {"HOME": str(home), "VERSION": wanted.version, "MIRROR": wanted.mirror}
        await bench.run(argv, {**env, "PREFIX": str(bench.draft)}, is_ours=False)
    program = bench.draft / "bin" / wanted.program
    if not os.access(program, os.X_OK):
        raise bench.failed(f"its command left no program bin/{wanted.program} in PREFIX.")
    digest = await asyncio.to_thread(lambda: hashlib.sha256(program.read_bytes()).hexdigest())
    return _Filled("" if versions.is_range(wanted.version) else wanted.version, f"sha256:{digest}")


def _size(directory: Path) -> int:
    """Bytes on the disk."""
    return sum(
        Path(parent, name).lstat().st_blocks * 512
        for parent, _, names in os.walk(directory)
        for name in names
    )


@asynccontextmanager
async def _alone(path: Path, say: Say) -> AsyncIterator[int]:
    """Among all processes; an installer that a dead Runner left behind inherited the lock."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        told = False
        while not _locked(fd):
            if not told:
                say("waits for another process that installs the same")
                told = True
            await asyncio.sleep(LOCK_POLL_S)
        yield fd
    finally:
        os.close(fd)


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
