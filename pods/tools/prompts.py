"""Tools on what another agent does: give it a prompt, answer what it asks, interrupt it."""

from functools import partial
from typing import Any, Literal

from pydantic import Field

from accounts.actor import Actor
from pods.access import Need, pod_for
from pods.commands import OPEN
from pods.models import Command, Pod, Prompt
from pods.prompts import PromptState
from pods.services.answering import WITHIN_S, told
from pods.services.answering import answer_question as answer
from pods.services.answering import interrupt_agent as interrupt
from pods.services.prompts import queue_prompt as queue
from pods.toolbox import LONGEST_WAIT_S, Arguments, Outcome, Wait, tool
from pods.tools.pods import Key

SHOWN = 20
LOOK_EVERY_S = 0.3  # the news of a Command may be lost
_TAKEN = frozenset({PromptState.STARTED, PromptState.SUBMITTED})


class QueuePrompt(Arguments):
    pod: Key
    text: str = Field(max_length=64 * 1024, description="What the other agent should do.")
    when: Literal["now", "idle"] = Field(
        "idle", description="idle: once it waits for its user; now: whatever it is doing."
    )
    wait_s: float = Field(
        0, ge=0, le=LONGEST_WAIT_S, description="Answer only once it was taken, or failed."
    )


class ListPrompts(Arguments):
    pod: Key


@tool(QueuePrompt)
def queue_prompt(actor: Actor, asked: QueuePrompt) -> Outcome | Wait:
    """Give another agent something to do: typed and submitted for it when it is ready, in order, and verified."""
    pod = pod_for(actor, asked.pod, Need.TYPE)
    prompt = queue(pod, by=actor, text=asked.text, when=asked.when)
    told = _told(pod, prompt)
    if not asked.wait_s:
        return told
    return Wait(frozenset({"prompt"}), asked.wait_s, told, again=partial(_taken, pod, prompt))


@tool(ListPrompts, read_only=True)
def list_prompts(actor: Actor, asked: ListPrompts) -> Outcome:
    """The newest prompts of an agent: which wait, which were taken, which failed and why."""
    pod = pod_for(actor, asked.pod, Need.READ)
    found = list(pod.prompts.prefetch_related("receipts").order_by("-number")[:SHOWN])
    lines = "\n".join(map(_line, found))
    return Outcome({"prompts": [_shown(each) for each in found]}, lines or "No prompts.")


def _taken(pod: Pod, prompt: Prompt) -> Outcome | None:
    prompt.refresh_from_db()
    return _told(pod, prompt) if prompt.over_at or prompt.state in _TAKEN else None


def _told(pod: Pod, prompt: Prompt) -> Outcome:
    return Outcome({"pod": pod.key, **_shown(prompt)}, f"{pod.key}: {_line(prompt)}")


def _shown(prompt: Prompt) -> dict[str, Any]:
    last = prompt.receipts.last()
    return {
        "id": prompt.pk,
        "number": prompt.number,
        "state": prompt.state,
        "when": prompt.when,
        "author": prompt.author_name,
        "text": prompt.text,
        "evidence": last.evidence if last else "",
    }


def _line(prompt: Prompt) -> str:
    first = prompt.text.strip().split("\n", 1)[0][:80]
    last = prompt.receipts.last()
    why = f" ({last.evidence})" if last and last.evidence else ""
    return f"prompt {prompt.number} is {prompt.state}{why}: {first}"


class AnswerQuestion(Arguments):
    pod: Key
    question: str = Field(max_length=64, description="Its id, as get_pod shows it.")
    choice: str = Field(
        max_length=200,
        description="One of those the question offers: allow, allow_always, deny, next, text, or an option's number or label.",
    )
    text: str = Field("", max_length=64 * 1024, description="For choice text.")


class Interrupt(Arguments):
    pod: Key


@tool(AnswerQuestion, destructive=True)
def answer_question(actor: Actor, asked: AnswerQuestion) -> Outcome | Wait:
    """Answer what another agent asks a person, such as a permission. Only what your user would have answered."""
    pod = pod_for(actor, asked.pod, Need.TYPE)
    command = answer(pod, by=actor, **asked.model_dump(exclude={"pod"}))
    return _when_told(pod, command, f"{pod.key} was answered: {asked.choice}.")


@tool(Interrupt, destructive=True)
def interrupt_agent(actor: Actor, asked: Interrupt) -> Outcome | Wait:
    """Interrupt the turn another agent is in, as Esc does. It goes on to wait for its user."""
    pod = pod_for(actor, asked.pod, Need.TYPE)
    return _when_told(pod, interrupt(pod, by=actor), f"{pod.key} was interrupted.")


def _when_told(pod: Pod, command: Command, said: str) -> Wait:
    not_yet = Outcome(
        {"command": str(command.pk), "state": command.state},
        "Its Runner has not answered in time. Look at its terminal before you try again.",
    )
    return Wait(
        frozenset({"command"}),
        WITHIN_S,
        not_yet,
        every=LOOK_EVERY_S,
        again=partial(_settled, pod, command, said),
    )


def _settled(pod: Pod, command: Command, said: str) -> Outcome | None:
    command.refresh_from_db()
    if command.state in OPEN:
        return None
    return Outcome({"pod": pod.key, **told(command)}, said)
