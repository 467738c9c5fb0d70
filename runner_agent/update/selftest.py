"""Whether a release works on this machine, before it is let near a Pod: `mesh-runner selftest`, in a process of its own."""

import asyncio
import contextlib
import importlib
import json
import os
import pkgutil
import signal

import runner_agent
from runner_agent import __version__
from runner_agent.config import Config
from runner_agent.link import identity
from runner_agent.messages import CommandError

LIMIT_S = 60.0
SAID_MAX = 64 * 1024  # bytes of its output
# Programs of their own, started with another library path; and what would start something when it is loaded.
_NOT_LOADED = ("runner_agent.__main__", "runner_agent.podhost.__main__")


def report(config: Config) -> str:
    """Load every module, and what this Runner is; JSON for whoever asked. Raises what does not work."""
    for module in pkgutil.walk_packages(runner_agent.__path__, "runner_agent."):
        if module.name not in _NOT_LOADED:
            importlib.import_module(module.name)
    identity.load(config)
    return json.dumps({"version": __version__})


async def run(argv: list[str], config: Config, version: str) -> None:
    """Raises CommandError with what it said when it does not say that it is `version`."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        "--home",
        str(config.home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": config.path, "LANG": config.language},
        start_new_session=True,
        limit=SAID_MAX,
    )
    said = b""
    try:
        async with asyncio.timeout(LIMIT_S):
            assert process.stdout  # noqa: S101
            while data := await process.stdout.read(SAID_MAX):
                said = (said + data)[-SAID_MAX:]
            code = await process.wait()
    except TimeoutError as error:
        raise CommandError(
            "self_test", f"Its self-test was not done after {LIMIT_S:.0f} s."
        ) from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    last = (said.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
    if code:
        raise CommandError("self_test", f"Its self-test failed with exit code {code}: {last[:300]}")
    if last != json.dumps({"version": version}):
        raise CommandError("self_test", f"Its self-test says that it is no {version}: {last[:300]}")
