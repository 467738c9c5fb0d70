"""What a person gives to an agent: prompts and their queue, answers, an interrupt."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.pages.frame import PageRequest, done, page
from pods.access import Need, may_type, pod_for
from pods.lifecycle import ENDED, AgentState
from pods.models import Pod, Prompt
from pods.pages.looks import Look
from pods.prompts import PromptState, When
from pods.services import answering, prompts, terminals
from pods.services.prompt_release import waits_for

OVER_SHOWN = 20

_LOOKS = {
    PromptState.SENT: Look("On its way", "state-starting", "is-working", turning=True),
    PromptState.TYPED: Look("Typed", "state-starting", "is-working"),
    PromptState.SUBMITTED: Look("Submitted", "state-completed", "is-working"),
    PromptState.STARTED: Look("Taken up", "state-completed", "is-done"),
    PromptState.FAILED: Look("Not delivered", "state-failed", "is-failed"),
    PromptState.CANCELLED: Look("Taken back", "state-terminated", "is-unknown"),
}


@dataclass(frozen=True, slots=True)
class SentLook:
    """One that waits no more. `prompt` comes with its receipts."""

    prompt: Prompt

    @property
    def look(self) -> Look:
        return _LOOKS[PromptState(self.prompt.state)]

    @property
    def why(self) -> str:
        """Of one that did not reach its agent."""
        if self.prompt.state not in {PromptState.FAILED, PromptState.CANCELLED}:
            return ""
        told = [each.evidence for each in self.prompt.receipts.all()]
        return told[-1] if told else ""


@page
def queue(request: PageRequest, key: str) -> HttpResponse:
    """What waits in its order, what is on its way, and what became of the others, newest first."""
    pod = pod_for(request.actor, key, Need.READ)
    waiting = list(pod.prompts.queued())
    others = pod.prompts.exclude(state=PromptState.QUEUED).prefetch_related("receipts")
    over = list(others.order_by("-number")[: OVER_SHOWN + 1])
    context = {
        "pod": pod,
        "waiting": waiting,
        "waits_for": waits_for(pod, waiting[0]) if waiting else "",
        "over": [SentLook(prompt) for prompt in over[:OVER_SHOWN]],
        "has_more": len(over) > OVER_SHOWN,
        "may_type": may_type(request.actor, pod) and pod.state not in ENDED,
    }
    return render(request, "pods/prompts.html", context)


@require_POST
@page
def add(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.TYPE)
    when = request.POST.get("when", When.IDLE)
    text = request.POST.get("text", "")
    prompt = prompts.queue_prompt(pod, by=request.actor, text=text, when=when)
    said = waits_for(pod, prompt)
    return _back(request, pod, f"Queued. {said}" if said else "On its way.")


Act = Callable[[PageRequest, Prompt], str]


def _send_now(_request: PageRequest, prompt: Prompt) -> str:
    prompts.edit_prompt(prompt, when=When.NOW)
    prompts.move_prompt(prompt, position=0)
    return waits_for(prompt.pod, prompt)


def _edit(request: PageRequest, prompt: Prompt) -> str:
    prompts.edit_prompt(prompt, text=request.POST.get("text", ""))
    return "Changed."


def _move(request: PageRequest, prompt: Prompt) -> str:
    position = request.POST.get("position", "")
    prompts.move_prompt(prompt, position=int(position) if position.isdecimal() else 0)
    return ""


def _remove(request: PageRequest, prompt: Prompt) -> str:
    gone = prompts.remove_prompt(prompt, by=request.actor)
    return "Taken back." if gone.state == PromptState.CANCELLED else "Put aside."


def _retry(request: PageRequest, prompt: Prompt) -> str:
    prompts.retry_prompt(prompt, by=request.actor)
    return "Trying again."


VERBS: dict[str, Act] = {
    "send-now": _send_now,
    "edit": _edit,
    "move": _move,
    "remove": _remove,
    "retry": _retry,
}


@require_POST
@page
def act(request: PageRequest, prompt_id: int, verb: str) -> HttpResponse:
    prompt = prompts.prompt_for(request.actor, prompt_id, Need.TYPE)
    said = VERBS[verb](request, prompt)
    return _back(request, prompt.pod, said)


@require_POST
@page
def empty(request: PageRequest, key: str) -> HttpResponse:
    """Take back all that waits."""
    pod = pod_for(request.actor, key, Need.TYPE)
    count = prompts.empty_queue(pod, by=request.actor)
    return _back(request, pod, f"{count} taken back.")


@require_POST
@page
def answer(request: PageRequest, key: str) -> HttpResponse:
    """To its question, if that offers the choice. Words for one that only waits are a prompt for now; where nothing
    tells what its agent does, and so nothing could verify a prompt, they are typed as if one sat there.
    """
    pod = pod_for(request.actor, key, Need.TYPE)
    text, choice = request.POST.get("text", "").strip(), request.POST.get("choice", "text")
    if pod.question and choice in pod.question.get("choices", ()):
        question = request.POST.get("question", "")
        answering.done(
            answering.answer_question(
                pod, by=request.actor, question=question, choice=choice, text=text
            )
        )
        said = f"{pod}: {answering.said_of(pod.question, choice)}."
    elif pod.agent_state == AgentState.UNKNOWN and text:
        terminals.type_into(pod, by=request.actor, text=text, submit=True)
        said = f"Typed into {pod}."
    else:
        prompts.queue_prompt(pod, by=request.actor, text=text, when=When.NOW)
        said = f"{pod}: sent."
    return _back(request, pod, said)


@require_POST
@page
def interrupt(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.TYPE)
    answering.done(answering.interrupt_agent(pod, by=request.actor))
    return _back(request, pod, f"{pod}: interrupted.")


def _back(request: PageRequest, pod: Pod, said: str) -> HttpResponse:
    return done(request, to=reverse("pod", args=[pod.key]), said=said, changed="prompt")
