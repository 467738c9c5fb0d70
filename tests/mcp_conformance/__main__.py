"""The official conformance suite and inspector of MCP against both doors: python -m tests.mcp_conformance [URL TOKEN]

Without arguments against a Mesh of its own, at web's door and at the Runner's. npm installs what it needs and nothing
stays; it wants the network.
"""

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mesh.bootstrap import TroubleError
from tests.journeys.system import System
from tests.mcp_conformance import not_ours
from tests.mcp_conformance.packages import Programs, inspected, installed
from tests.mcp_conformance.proxy import with_token

_FAILED_CHECK = re.compile(r"^  - (\w+):", re.MULTILINE)


def main(doors: dict[str, str]) -> int:
    """`doors`: a token by URL; none: those of a system of its own."""
    with installed() as programs:
        if doors:
            return int(sum(_fails(programs, *door) for door in doors.items()) > 0)
        with _own_doors() as own:
            return int(sum(_fails(programs, *door) for door in own.items()) > 0)


@contextmanager
def _own_doors() -> Iterator[dict[str, str]]:
    system = System()
    try:
        system.start()
        runner, key = system.home / "runner", system.api.run("sleep", "3600")
        system.api.becomes(key, "running")
        port = (runner / "mcp-port").read_text()
        token = (runner / "homes" / key / ".mesh" / "token").read_text()
        yield {
            f"{system.api.url}/mcp/": system.api.token,
            f"http://127.0.0.1:{port}/mcp": token,
        }
    finally:
        system.close()


def _fails(programs: Programs, url: str, token: str) -> bool:
    _say(f"at {url}")
    listed = json.loads(inspected(programs, url, token, "--method", "tools/list"))["tools"]
    _say(f"the inspector lists {len(listed)} tools")
    call = ("--method", "tools/call", "--tool-name", "list_pods")
    called = json.loads(inspected(programs, url, token, *call))
    _say(f"the inspector calls list_pods: {called['content'][0]['text']}")
    return asyncio.run(_conformance(programs, url, token)) or not listed


async def _conformance(programs: Programs, url: str, token: str) -> bool:
    failed = False
    async with with_token(url, token) as open_url:
        for scenario in await _scenarios(programs):
            if reason := not_ours.reason(scenario):
                _say(f"not ours  {scenario}: {reason}")
                continue
            code, said = await _run(programs, "server", "--url", open_url, "--scenario", scenario)
            if code and not _may_fail(scenario, said):
                failed = True
                _say(f"FAILED    {scenario}\n{said}")
            else:
                _say(f"passed    {scenario}")
    return failed


def _may_fail(scenario: str, said: str) -> bool:
    found = _FAILED_CHECK.findall(said)
    return bool(found) and set(found) <= not_ours.CHECKS.get(scenario, set())


async def _scenarios(programs: Programs) -> list[str]:
    _, said = await _run(programs, "list", "--server")
    return re.findall(r"^\s+- (\S+)", said, re.MULTILINE)


async def _run(programs: Programs, *words: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        programs.node,
        programs.conformance,
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode(errors="replace")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main({sys.argv[1]: sys.argv[2]} if sys.argv[1:] else {}))
    except TroubleError as trouble:
        sys.exit(f"mesh: {trouble}")
