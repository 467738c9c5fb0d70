"""`bin/<program>` of a prefix: a link, or two lines of shell that name their interpreter. All of it can be moved."""

import json
import os
import shlex
from pathlib import Path

from runner_agent.agents import versions
from runner_agent.agents.node import Node
from runner_agent.agents.workbench import Workbench
from runner_agent.jail import execute

_HERE = '"${0%/*}"'  # a program found on the PATH is started by its whole path
_FIRST_LINE_MAX = 200
_ELF = b"\x7fELF"


def of_npm(bench: Workbench, package: str, program: str, with_node: Node) -> None:
    """CommandError agent_install_failed if the package has no such program."""
    found = bench.draft / "node_modules" / ".bin" / program
    if not found.exists():
        raise _missing(bench, program, found.parent)
    first = _first_line(found)
    if not first.startswith((b"#!", _ELF)):
        found = _of_platform(bench, package, program)
    where = found.relative_to(bench.draft)
    place = _bin(bench) / program
    if with_node.tool and first.startswith(b"#!") and b"node" in first:
        node = f"../../../{with_node.tool}/bin/node"
        _script(place, f"exec {_HERE}/{node} {_HERE}/../{shlex.quote(str(where))}")
    else:
        place.symlink_to(Path("..", where))


def _of_platform(bench: Workbench, package: str, program: str) -> Path:
    """Some packages hold a placeholder that a script of theirs, which is not run, would replace by the program in the
    package for this platform."""
    modules = bench.draft / "node_modules"
    described = json.loads((modules / package / "package.json").read_bytes())
    for name in described.get("optionalDependencies", {}):
        for found in (modules / name / program, modules / name / "bin" / program):
            if found.is_file() and _first_line(found).startswith(_ELF):
                return found
    raise bench.failed(f"{package} brings no {program} for this platform.")


def of_venv(bench: Workbench, program: str) -> None:
    """Its own first line names the place it was installed to, which was a draft."""
    found = bench.draft / "venv" / "bin" / program
    if not found.exists():
        raise _missing(bench, program, found.parent)
    words = f"exec {_HERE}/../venv/bin/python {_HERE}/../venv/bin/{shlex.quote(program)}"
    _script(_bin(bench) / program, words)


async def check(bench: Workbench, program: str, within_s: float) -> str:
    """It starts, in a jail like a Pod's: the version it says. CommandError agent_install_failed."""
    path = os.pathsep.join([str(bench.draft / "bin"), bench.config.path])
    argv = bench.confined(str(bench.draft / "bin" / program), "--version")
    try:
        with bench.home() as home:
            env = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8"}
            said = await execute.run(argv, cwd=bench.draft, env=env, timeout_s=within_s, limit=4096)
    except OSError as error:
        raise bench.failed(f"its program {program} cannot be run: {error.strerror}.") from error
    text = (said.stdout + said.stderr).decode(errors="replace").strip()
    if said.exit_code:
        last = text.splitlines()[-1][:200] if text else f"exit code {said.exit_code}"
        raise bench.failed(f"its program {program} does not start: {last}")
    return versions.found_in(text)


def _bin(bench: Workbench) -> Path:
    directory = bench.draft / "bin"
    directory.mkdir(exist_ok=True)
    return directory


def _script(path: Path, words: str) -> None:
    path.write_text(f'#!/bin/sh\n{words} "$@"\n')
    path.chmod(0o755)


def _first_line(program: Path) -> bytes:
    with program.open("rb") as file:
        return file.readline(_FIRST_LINE_MAX)


def _missing(bench: Workbench, program: str, directory: Path) -> Exception:
    there = sorted(path.name for path in directory.iterdir()) if directory.exists() else []
    names = ", ".join(there[:5]) or "none"
    return bench.failed(f"its package brings no program {program}; it brings {names}.")
