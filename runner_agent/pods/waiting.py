"""When may something be typed into an agent? When it is ready, and idle by its evidence, or else by its silence, and its
line of input is there."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from runner_agent.agents.watched import Watched
from runner_agent.messages import CommandError
from runner_agent.terminals.hosts import PodHost
from runner_agent.together import until

READY_WITHIN_S = 120.0  # an agent that was just installed takes its time
FIRST_OUTPUT_S = 15.0  # a program that shows nothing by then is typed into all the same
QUIET_WITHIN_S = 20.0  # after its first output; one with a clock or a spinner is never quiet
TOOLS_WITHIN_S = 15.0  # an agent without our tools is better than one that was never asked
STEADY_S = 0.3  # it is idle for so long
SILENT_S = 2.0  # of what it does nothing is known, and it shows nothing new, nor is it typed to
DIALOG_S = 2.0  # a dialog may be on its way out
LINE_S = 0.25  # between two looks for its line of input


def ended(pod: str) -> CommandError:
    return CommandError("pod_ended", f"Pod {pod} has ended: nothing can be typed into it.")


async def until_ready(host: PodHost, watched: Watched) -> None:
    """CommandError pod_ended, or not_ready with what the screen shows."""
    rule = watched.spec.ready if watched.spec else None
    if rule is not None and rule.is_declared:
        if not await _within(READY_WITHIN_S, host, watched, lambda: watched.is_ready):
            raise CommandError(
                "not_ready",
                f"After {READY_WITHIN_S:.0f} seconds the agent gave no sign of being ready.",
                {"evidence": watched.shown()},
            )
    elif await _shows_something(host):
        await _within(QUIET_WITHIN_S, host, watched, lambda: watched.is_ready)
    if watched.spec and watched.spec.tools.ready == "listed":
        await _within(TOOLS_WITHIN_S, host, watched, lambda: watched.tools_listed)
    _check_runs(host)


async def _shows_something(host: PodHost) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(FIRST_OUTPUT_S):
            await host.output_after(0)
            return True
    return False


async def until_it_takes(host: PodHost, watched: Watched, *, now: bool) -> None:
    """Until it is idle, with `now` only until no dialog is open, and reads what is typed. CommandError pod_ended, not_ready.

    A hook may say that it waits before it does: a text would meet a terminal that takes no paste, or the question that
    follows.
    """
    while True:
        await (_without_dialog if now else _until_idle)(host, watched)
        screen = await host.live.at_end()
        if not _pastes(watched) or screen.show()["bracketed_paste"]:
            watched.look(screen, is_quiet=True)
            if watched.status.state != "waiting" and (now or _left(host, watched) == 0):
                return
        await _news(watched, LINE_S)


def _pastes(watched: Watched) -> bool:
    """Whether it has bracketed paste on while it reads."""
    return watched.spec is not None and watched.spec.ready.paste


async def _until_idle(host: PodHost, watched: Watched) -> None:
    while (left := _left(host, watched)) != 0:
        _check_runs(host)
        await _news(watched, left)
    _check_runs(host)


async def _news(watched: Watched, within: float | None) -> None:
    watched.changed.clear()
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            await watched.changed.wait()


async def _without_dialog(host: PodHost, watched: Watched) -> None:
    if not await _within(DIALOG_S, host, watched, lambda: watched.status.state != "waiting"):
        asked = watched.status.text.strip() or "something"
        raise CommandError(
            "not_ready",
            f"The agent asks a person: {asked[:300]} Answer it first.",
            {"evidence": watched.shown()},
        )


def _left(host: PodHost, watched: Watched) -> float | None:
    """Seconds until it counts as idle, should nothing happen; None: only when something happens."""
    loop = asyncio.get_running_loop()
    match watched.status.state:
        case "idle":
            return max(0.0, STEADY_S - (loop.time() - watched.state_at))
        case "unknown":
            untouched = loop.time() - host.last_input if host.last_input else SILENT_S
            return max(0.0, SILENT_S - min(host.quiet_s(), untouched))
    return None


async def _within(
    seconds: float, host: PodHost, watched: Watched, true: Callable[[], bool]
) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until(watched.changed, lambda: true() or not host.running)
    _check_runs(host)
    return true()


def _check_runs(host: PodHost) -> None:
    if not host.running:
        raise ended(host.pod)
