"""Type a Pod's first prompt as a person would: when the program is ready for it, and Enter by itself."""

import asyncio
import logging

from runner_agent.places import Places
from runner_agent.terminals.hosts import HostError, PodHost
from runner_agent.terminals.terminals import Terminals, UnknownPodError

FIRST_OUTPUT_S = 60.0  # a program that shows nothing by then is typed at all the same
QUIET_S = 0.6  # without output: it waits for its user
READY_WITHIN_S = 20.0  # after its first output; one with a clock or a spinner is never quiet
BEFORE_ENTER_S = 0.3  # an Enter in the same read as the text is taken for part of a paste
_WRITER = "prompt"  # the host types each of its bytes once, also when the daemon dies in between

logger = logging.getLogger(__name__)


async def type_prompt(host: PodHost, terminals: Terminals, places: Places) -> None:
    """Type what lies in `places.prompt`, then remove it. Safe to begin again after a restart."""
    prompt = places.prompt.read_text()
    try:
        await _until_ready(host)
        screen = await terminals.screen(host.pod)
        typed = as_typed(prompt, bracketed=bool(screen.get("bracketed_paste")))
        await host.input(typed, _WRITER, 0)
        await asyncio.sleep(BEFORE_ENTER_S)
        await _until_quiet(host, READY_WITHIN_S)
        await host.input(b"\r", _WRITER, len(typed))
    except (HostError, UnknownPodError) as error:
        logger.info("the prompt of pod %s was not typed: %s", host.pod, error)
        return
    places.prompt.unlink(missing_ok=True)


def as_typed(prompt: str, *, bracketed: bool) -> bytes:
    """Without control characters: a prompt is text, and must not end its own paste."""
    lines = prompt.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    plain = ["".join(c for c in line if c.isprintable() or c == "\t") for line in lines]
    if bracketed:
        return b"\x1b[200~" + "\r".join(plain).encode() + b"\x1b[201~"
    return "\r".join(plain).encode()


async def _until_ready(host: PodHost) -> None:
    try:
        async with asyncio.timeout(FIRST_OUTPUT_S):
            await host.output_after(0)
    except TimeoutError:
        return
    await _until_quiet(host, READY_WITHIN_S)


async def _until_quiet(host: PodHost, at_most_s: float) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + at_most_s
    end = host.end
    while loop.time() < deadline and host.running:
        try:
            async with asyncio.timeout(QUIET_S):
                end = await host.output_after(end)
        except TimeoutError:
            return
