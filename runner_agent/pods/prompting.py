"""Type as a person would: a Pod's first prompt when the program is ready for it, later texts when it is idle.

The text is pasted, then comes a pause, then Enter by itself. Each text has a writer of its own, of whose bytes the Pod
host types each once: after a restart of the daemon a text is typed to its end, not twice.
"""

import asyncio
import json
import logging

from runner_agent.messages import CommandError, Prompt
from runner_agent.places import Places
from runner_agent.settings import replace_file
from runner_agent.terminals.hosts import HostError, PodHost
from runner_agent.terminals.terminals import Terminals, UnknownPodError

FIRST_OUTPUT_S = 60.0  # a program that shows nothing by then is typed at all the same
QUIET_S = 0.6  # without output: it waits for its user
READY_WITHIN_S = 20.0  # after its first output; one with a clock or a spinner is never quiet
BEFORE_ENTER_S = 0.3  # an Enter in the same read as the text is taken for part of a paste
IDLE_S = 2.0  # an agent that shows nothing new for so long, and is not typed to, waits for its user
ECHOED_WITHIN_S = 3.0  # a paste is shown by then
_WRITER = "prompt"

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


async def type_when_idle(
    host: PodHost, terminals: Terminals, places: Places, prompt: Prompt
) -> None:
    """Raises CommandError pod_ended. Cancelled or cut by a crash, it can be called again with the same prompt."""
    writer = f"{_WRITER}:{prompt.id}"
    try:
        bracketed = _begun(places, prompt)
        if bracketed is None:
            bracketed = await _begin(host, terminals, places, prompt)
        typed = as_typed(prompt.text, bracketed=bracketed, line_end="\r" if bracketed else " ")
        await host.input(typed, writer, 0)
        await asyncio.sleep(BEFORE_ENTER_S)
        await _until_quiet(host, ECHOED_WITHIN_S)
        await host.input(b"\r", writer, len(typed))
    except (HostError, UnknownPodError) as error:
        raise ended(host.pod) from error


def ended(pod: str) -> CommandError:
    return CommandError("pod_ended", f"Pod {pod} has ended: nothing can be typed into it.")


async def _begin(host: PodHost, terminals: Terminals, places: Places, prompt: Prompt) -> bool:
    """Wait for the agent, and note how the text is going to be typed."""
    while (left := IDLE_S - _idle_s(host)) > 0 and host.running:  # noqa: ASYNC110 - output only puts it off
        await asyncio.sleep(left)
    if not host.running:
        raise ended(host.pod)
    bracketed = bool((await terminals.screen(host.pod)).get("bracketed_paste"))
    noted = {"id": prompt.id, "bracketed": bracketed}
    replace_file(places.typing, json.dumps(noted).encode())
    return bracketed


def _begun(places: Places, prompt: Prompt) -> bool | None:
    """Whether it was being typed as a marked paste; None: its typing was not begun."""
    if not places.typing.exists():
        return None
    noted = json.loads(places.typing.read_text())
    return bool(noted["bracketed"]) if noted["id"] == prompt.id else None


def _idle_s(host: PodHost) -> float:
    untouched = asyncio.get_running_loop().time() - host.last_input
    return min(host.quiet_s(), untouched if host.last_input else IDLE_S)


def as_typed(prompt: str, *, bracketed: bool, line_end: str = "\r") -> bytes:
    """Without control characters: a prompt is text, and must not end its own paste."""
    lines = prompt.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    plain = ["".join(c for c in line if c.isprintable() or c == "\t") for line in lines]
    if bracketed:
        return b"\x1b[200~" + line_end.join(plain).encode() + b"\x1b[201~"
    return line_end.join(plain).encode()


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
