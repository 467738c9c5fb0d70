"""The queue of prompts of a Pod: added to, changed while they still wait, tried again. What sends them: `prompt_release`.

Every change of a queued one is one UPDATE that asks whether it still is: against a release at the same moment one wins.
"""

from functools import partial

from django.db import transaction
from django.db.models import F, Max, Min
from django.utils.timezone import now

from accounts.actor import Actor
from pods.access import Need, pod_for
from pods.commands import CommandKind, CommandState
from pods.errors import ConflictError, NotVisibleError, RefusedError
from pods.lifecycle import ENDED, PodState
from pods.models import Command, Pod, Prompt, Receipt
from pods.news import announce
from pods.prompts import PromptState, When
from pods.services import inputs
from pods.services.commands import trace_here
from pods.services.prompt_release import release_next

QUEUE_MAX = 100  # prompts waiting for one Pod


def prompt_for(actor: Actor, prompt_id: int, need: Need) -> Prompt:
    """Judged by the Pod it is for. Raises NotVisibleError, NotAllowedError."""
    mine = Prompt.objects.filter(pod__organization_id=actor.organization_id, pk=prompt_id)
    prompt = mine.select_related("pod", "author_pod", "author_user").first()
    try:
        prompt_pod = pod_for(actor, prompt.pod.key if prompt else "", need)
    except NotVisibleError:
        prompt = None
    if prompt is None:
        raise NotVisibleError("no_such_prompt", f"There is no prompt {prompt_id}.")
    prompt.pod = prompt_pod
    return prompt


def queue_prompt(pod: Pod, *, by: Actor, text: str, when: str = When.IDLE) -> Prompt:
    """Last in the queue; one for now goes before those that wait for idle.

    Raises RefusedError, ConflictError for a Pod that has ended or whose queue is full.
    """
    checked = _checked(text)
    moment = _moment(when)
    with transaction.atomic():
        number = _next_number(pod)
        if pod.prompts.queued().count() >= QUEUE_MAX:
            raise ConflictError("queue_full", f"{QUEUE_MAX} prompts wait for {pod.key} already.")
        last = pod.prompts.aggregate(last=Max("place"))["last"] or 0
        return _create(pod, by, number=number, text=checked, when=moment, place=last + 1)


def first_prompt(pod: Pod, *, by: Actor) -> None:
    """What a Pod is made for, on the same road as all others. In the transaction that makes it."""
    if text := pod.prompt.strip("\n"):
        _create(pod, by, number=_next_number(pod), text=text, when=When.IDLE, place=1)


def edit_prompt(prompt: Prompt, *, text: str | None = None, when: str | None = None) -> Prompt:
    """Raises RefusedError; ConflictError once it was sent."""
    changes = {}
    if text is not None:
        changes["text"] = _checked(text)
    if when is not None:
        changes["when"] = _moment(when)
    if not changes:
        raise RefusedError("nothing_to_change", "Give a new text, or when.")
    waiting = Prompt.objects.filter(pk=prompt.pk, state=PromptState.QUEUED)
    with transaction.atomic():
        if not waiting.update(**changes):
            raise _too_late(prompt)
        _tell(prompt.pod)
    prompt.refresh_from_db()
    return prompt


def move_prompt(
    prompt: Prompt, *, before: int | None = None, position: int | None = None
) -> Prompt:
    """Before another queued one (by id), or to a position counted from 0. Raises RefusedError, ConflictError."""
    if (before is None) == (position is None):
        raise RefusedError("bad_move", "Say where to: give either before or position.")
    pod = prompt.pod
    with transaction.atomic():
        _lock(pod)
        order = [each.pk for each in pod.prompts.queued()]
        if prompt.pk not in order:
            raise _too_late(prompt)
        order.remove(prompt.pk)
        if before is not None and before not in order:
            raise RefusedError(
                "not_queued", f"Prompt {before} does not wait in this queue.", field="before"
            )
        at = order.index(before) if before is not None else min(position or 0, len(order))
        order.insert(at, prompt.pk)
        _arrange(prompt, order)
        _tell(pod)
    prompt.refresh_from_db()
    return prompt


def remove_prompt(prompt: Prompt, *, by: Actor) -> Prompt:
    """Take a waiting one back; put a failed one aside, so that the queue goes on. Its text is kept.

    Raises ConflictError for one that is being typed or was.
    """
    mine = Prompt.objects.filter(pk=prompt.pk)
    with transaction.atomic():
        why = f"Taken back by {by.name}."
        waiting = mine.filter(state=PromptState.QUEUED)
        if not (
            waiting.advance(PromptState.CANCELLED, evidence=why)
            or _unsend(prompt, why)
            or mine.stuck().update(put_aside_at=now())
        ):
            raise _too_late(prompt)
        _go_on(prompt.pod)
    prompt.refresh_from_db()
    return prompt


def empty_queue(pod: Pod, *, by: Actor) -> int:
    """Take back all that waits; how many that were."""
    with transaction.atomic():
        _lock(pod)
        waiting = [Prompt.objects.filter(pk=each.pk) for each in pod.prompts.queued()]
        why = f"Taken back by {by.name}."
        taken = sum(
            one.filter(state=PromptState.QUEUED).advance(PromptState.CANCELLED, evidence=why)
            for one in waiting
        )
        _tell(pod)
    return taken


def retry_prompt(prompt: Prompt, *, by: Actor) -> Prompt:
    """A new one with the same text, first in the queue. Raises ConflictError unless this one failed, or a second time."""
    pod = prompt.pod
    with transaction.atomic():
        number = _next_number(pod)
        if not Prompt.objects.filter(pk=prompt.pk).stuck().update(put_aside_at=now()):
            raise ConflictError(
                "not_failed", f"Prompt {prompt.number} is not one that failed and waits for you."
            )
        first = pod.prompts.aggregate(first=Min("place"))["first"] or 0
        return _create(
            pod,
            by,
            number=number,
            text=prompt.text,
            when=prompt.when,
            place=first - 1,
            retry_of=prompt,
        )


# ----


def _create(pod: Pod, by: Actor, **fields: object) -> Prompt:
    prompt = Prompt.objects.create(
        pod=pod,
        author_kind=by.kind,
        author_name=by.name[:150],
        author_user_id=by.user_id if by.pod_id is None else None,
        author_pod_id=by.pod_id,
        trace=trace_here(),
        **fields,
    )
    Receipt.objects.create(prompt=prompt, step=PromptState.QUEUED)
    _go_on(pod)
    return prompt


def _next_number(pod: Pod) -> int:
    """Raises ConflictError for a Pod that has ended."""
    Pod.objects.filter(pk=pod.pk).update(prompt_count=F("prompt_count") + 1)
    number, state = Pod.objects.values_list("prompt_count", "state").get(pk=pod.pk)
    if state in ENDED:
        raise ConflictError("pod_ended", f"{pod.key} has ended: nothing can be typed into it.")
    return number


def _lock(pod: Pod) -> None:
    """Its queue is arranged by one at a time."""
    Pod.objects.filter(pk=pod.pk).update(prompt_count=F("prompt_count"))


def _arrange(prompt: Prompt, order: list[int]) -> None:
    """One put among those for now is for now, and the other way round: the order shown is the order kept."""
    kinds = dict(prompt.pod.prompts.queued().values_list("pk", "when"))
    at = order.index(prompt.pk)
    after = kinds.get(order[at + 1]) if at + 1 < len(order) else When.IDLE
    when = kinds[prompt.pk]
    if after == When.NOW:
        when = When.NOW
    elif any(kinds[pk] == When.IDLE for pk in order[:at]):
        when = When.IDLE
    for place, pk in enumerate(order, start=1):
        waiting = Prompt.objects.filter(pk=pk, state=PromptState.QUEUED)
        if pk == prompt.pk and not waiting.update(place=place, when=when):
            raise _too_late(prompt)
        if pk != prompt.pk:
            waiting.update(place=place)


def _unsend(prompt: Prompt, why: str) -> bool:
    """Take back what was handed on but has not left for its Runner yet."""
    unsent = Command.objects.filter(
        prompt=prompt, kind=CommandKind.PROMPT, state=CommandState.QUEUED, sends=0
    )
    if not unsent.advance(CommandState.CANCELLED, done_at=now()):
        return False
    return Prompt.objects.filter(pk=prompt.pk).advance(PromptState.CANCELLED, evidence=why)


def _go_on(pod: Pod) -> None:
    _tell(pod)
    if pod.state == PodState.RUNNING:
        transaction.on_commit(partial(release_next, pod.pk), robust=True)


def _tell(pod: Pod) -> None:
    announce(pod.organization_id, "prompt", pod.key)


def _checked(text: str) -> str:
    plain = text.replace("\r\n", "\n").strip("\n")
    if not plain.strip():
        raise RefusedError("empty_prompt", "Write what it should do.", field="text")
    if "\0" in plain:
        raise RefusedError("bad_prompt", "A prompt is text: it has a NUL character.", field="text")
    inputs.check_prompt(plain)
    return plain


def _moment(when: str) -> When:
    if when not in set(When):
        raise RefusedError("bad_when", "when is now or idle.", field="when")
    return When(when)


def _too_late(prompt: Prompt) -> ConflictError:
    state = Prompt.objects.values_list("state", flat=True).get(pk=prompt.pk)
    return ConflictError(
        "prompt_sent",
        f"Prompt {prompt.number} is {state}: only one that still waits in the queue can be changed.",
        state=state,
    )
