"""Answering what an agent asks, and interrupting it: keys, typed only while the question stands."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from runner_agent.agent_messages import NEXT, OPTION, PERMISSION, WORDS, AskedQuestion
from runner_agent.agents.spec import AgentSpec
from runner_agent.agents.watched import Watched
from runner_agent.messages import CommandError
from runner_agent.terminals.pod_host import HostError, PodHost
from runner_agent.together import until

DRAWN_WITHIN_S = 3.0  # a hook tells of a dialog before the dialog is there
STEADY_S = 0.2  # and when it is, it reads keys a moment later
HEARD_WITHIN_S = 2.5  # a dialog that stands unchanged for so long has not heard the key
GONE_WITHIN_S = 5.0
_STROKES = re.compile(r"\r|[^\r]+")  # Enter by itself: what it confirms is drawn first
BETWEEN_S = 0.2  # a key, a text and Enter that come at once are taken for a paste


def is_choice(choice: str) -> bool:
    return choice in {*PERMISSION, NEXT, WORDS} or OPTION.fullmatch(choice) is not None


@dataclass(frozen=True, slots=True)
class ToAnswer:
    """`question` is the id that was told; `text` goes with the choice "text"."""

    pod: str
    id: str
    question: str
    choice: str
    text: str = ""


async def answer(host: PodHost, watched: Watched, wanted: ToAnswer) -> dict[str, Any]:
    """What was seen after it. CommandError no_question, no_choice, pod_ended."""
    _check_open(watched, wanted)
    pieces = _pieces(watched, wanted)
    await _until_drawn(watched, wanted)
    await asyncio.sleep(STEADY_S)
    await _until_drawn(watched, wanted)
    _check_offered(watched, wanted)
    before = await _shown(host)
    await _type(host, wanted, pieces)
    is_over = await _is_over_within(HEARD_WITHIN_S, host, watched, wanted)
    # what was drawn meanwhile may be another question, which a second key would answer
    if not is_over and len(pieces) == 1 and await _shown(host) == before:
        await _type(host, wanted, pieces, at=len(pieces[0]))
    is_over = await _is_over_within(GONE_WITHIN_S, host, watched, wanted)
    watched.tell()
    return {"is_over": is_over, "evidence": watched.status.evidence}


async def interrupt(host: PodHost, watched: Watched, command_id: str) -> dict[str, Any]:
    """Type what interrupts it. CommandError no_interrupt, pod_ended."""
    keys = watched.spec.interrupt.keys if watched.spec else "\x03"
    if not keys:
        raise CommandError("no_interrupt", "This agent cannot be interrupted by a key.")
    was = watched.status.state
    with _TypingInto(host):
        await host.input(keys.encode(), f"interrupt:{command_id}", 0)
    if was in {"working", "waiting"}:
        with suppress(TimeoutError):
            async with asyncio.timeout(GONE_WITHIN_S):
                await until(watched.changed, lambda: watched.status.state != was)
    watched.tell()
    return {"was": was, "state": watched.status.state, "evidence": watched.status.evidence}


async def _type(host: PodHost, wanted: ToAnswer, pieces: list[bytes], at: int = 0) -> None:
    """`at`: the bytes that were typed for it before."""
    with _TypingInto(host):
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(BETWEEN_S)
            await host.input(piece, f"answer:{wanted.id}", at)
            at += len(piece)


async def _is_over_within(
    seconds: float, host: PodHost, watched: Watched, wanted: ToAnswer
) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until(watched.changed, lambda: not _is_open(watched, wanted) or not host.running)
    return not _is_open(watched, wanted)


async def _shown(host: PodHost) -> str:
    return str((await host.live.at_end()).show()["text"])


def _is_open(watched: Watched, wanted: ToAnswer) -> bool:
    asked = watched.status.question
    return asked is not None and (not wanted.question or asked.id == wanted.question)


def _check_open(watched: Watched, wanted: ToAnswer) -> None:
    if not _is_open(watched, wanted):
        raise CommandError(
            "no_question", "This question is not open any more: look at what the agent does now."
        )


def _check_offered(watched: Watched, wanted: ToAnswer) -> None:
    """A dialog that is drawn may offer something else than was thought before."""
    asked = watched.status.question
    if asked and wanted.choice not in (*asked.choices, WORDS):
        raise CommandError("no_choice", f"It does not offer “{wanted.choice}”: look at it again.")


def _pieces(watched: Watched, wanted: ToAnswer) -> list[bytes]:
    """What is typed, one after the other."""
    answers, asked = (watched.spec or AgentSpec("")).answers, watched.status.question
    if wanted.choice == WORDS:
        text = "".join(c for c in wanted.text.replace("\n", " ") if c.isprintable())
        if not text:
            raise CommandError("no_choice", "There is no text to answer with.")
        leads = answers.words.replace("{option}", _place_after(asked))
        return [piece.encode() for piece in (leads, text, "\r") if piece]
    if OPTION.fullmatch(wanted.choice):
        offered = {each.choice for each in asked.options} if asked else set()
        keys = answers.option.replace("{option}", wanted.choice) if wanted.choice in offered else ""
    else:
        keys = str(getattr(answers, wanted.choice))
    if not keys:
        raise CommandError(
            "no_choice", f"This agent has no key for “{wanted.choice}”: answer in its terminal."
        )
    return [stroke.encode() for stroke in _STROKES.findall(keys)]


def _place_after(asked: AskedQuestion | None) -> str:
    return str(max((int(each.choice) for each in asked.options), default=0) + 1) if asked else ""


async def _until_drawn(watched: Watched, wanted: ToAnswer) -> None:
    """Where a dialog can be known by its screen or its title, it must be there now."""
    known_by = {s for s in ("screen", "title") if "waiting" in watched.rules.says(s)}
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAWN_WITHIN_S):
            while True:
                watched.look(await watched.host.live.at_end(), is_quiet=True)
                _check_open(watched, wanted)
                if not known_by or watched.sees_dialog():
                    return
                watched.changed.clear()
                await watched.changed.wait()
    raise CommandError(
        "no_question",
        "The agent asked, and its question is not on its screen: look at its terminal.",
        {"evidence": watched.shown()},
    )


class _TypingInto:
    def __init__(self, host: PodHost) -> None:
        self._host = host

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, HostError):
            raise CommandError("pod_ended", f"Pod {self._host.pod} has ended.") from error
