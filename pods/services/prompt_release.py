"""Which prompt goes out when: one at a time for each Pod, its Runner then waits for the agent to be ready.

Asked after whatever may let one go: it was queued, the Pod runs, the agent is idle, the one before is over. What a crash
kept from being asked, the sweep of the gateway that holds the Runner finds.
"""

import re
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils.timezone import now

from accounts.actor import ActorKind
from pods.commands import CommandKind
from pods.lifecycle import AgentState, PodState
from pods.models import InputRecord, Pod, Prompt
from pods.news import announce
from pods.prompts import PromptState, When
from pods.services.commands import queue_command

AT_ONCE_MAX = 200  # Pods looked at in one pass; the next pass goes on
KEYS_REST = timedelta(seconds=3)  # a person who pressed a key within this is typing
DRAFT_KEPT = timedelta(seconds=60)  # a line that a person began and did not send is theirs so long
RECORDS_LOOKED_AT = 10

_REPORTS = re.compile(r"\x1b\[(?:[IO]|<[\d;]*[Mm])|\x1b\[M.{3}", re.DOTALL)  # mouse, focus
_SENT = ("\r", "\n", "\x03", "\x04", "\x15", "\x1b")  # Enter, Ctrl-C, -D, -U, Esc: nothing is left


def release_next(pod_id: int) -> Prompt | None:
    """Hand the first of the queue to its Runner, if it may go now; which one that was."""
    if not Prompt.objects.filter(pod=pod_id, state=PromptState.QUEUED).exists():
        return None  # most often
    pod = Pod.objects.select_related("runner").filter(pk=pod_id, state=PodState.RUNNING).first()
    if pod is None or pod.runner is None:
        return None
    head = pod.prompts.queued().first()
    if head is None or waits_for(pod, head) or not _send(pod, head):
        return None
    announce(pod.organization_id, "prompt", pod.key)
    return head


def release_waiting(gateway_id: str) -> int:
    """Of all Pods on the Runners of this gateway; how many prompts went out."""
    mine = Prompt.objects.filter(pod=OuterRef("pk"))
    pods = Pod.objects.filter(state=PodState.RUNNING, runner__gateway=gateway_id)
    waiting = pods.filter(Exists(mine.queued().order_by())).exclude(Exists(mine.in_flight()))
    found = list(waiting.order_by("pk").values_list("pk", flat=True)[:AT_ONCE_MAX])
    return sum(release_next(pk) is not None for pk in found)


def waits_for(pod: Pod, head: Prompt) -> str:
    """Why the first of the queue does not go out now, in words; empty if it may."""
    return (
        _pod_is_not_ready(pod)
        or _another_is_first(pod, head)
        or _agent_is_not_ready(pod, head)
        or _a_person_types(pod, head)
    )


# ----


def _pod_is_not_ready(pod: Pod) -> str:
    if pod.state != PodState.RUNNING:
        return "It goes out once the Pod runs."
    if pod.runner is None or pod.runner.retired_at or not pod.runner.gateway:
        return "Its Runner is away: it goes out once that is back."
    return ""


def _another_is_first(pod: Pod, head: Prompt) -> str:
    if before := pod.prompts.in_flight().first():
        return f"Prompt {before.number} is on its way."
    stuck = pod.prompts.stuck().first()
    if stuck and head.when != When.NOW and head.retry_of_id is None:
        return f"Prompt {stuck.number} failed: try it again, or put it aside."
    return ""


def _agent_is_not_ready(pod: Pod, head: Prompt) -> str:
    if pod.question:
        return "The agent asks something: answer it first."
    if head.when == When.IDLE and pod.agent_state not in {AgentState.IDLE, AgentState.UNKNOWN}:
        return f"It goes out when the agent is idle; now it is {pod.agent_state}."
    return ""


def _a_person_types(pod: Pod, head: Prompt) -> str:
    """A prompt does not go into a line that a person is writing; unless they themselves want it now."""
    last = _last_typed(pod)
    if last is None:
        return ""
    record, text = last
    is_theirs = str(head.author_user_id) == record.author_id
    if is_theirs and head.when == When.NOW:
        return ""
    age = now() - record.at
    has_draft = record.is_hidden or not text.endswith(_SENT)
    if age < KEYS_REST or (has_draft and age < DRAFT_KEPT):
        return f"{record.author_name} is typing in the terminal: it goes out after that."
    return ""


def _last_typed(pod: Pod) -> tuple[InputRecord, str] | None:
    """What a person typed last, without what their mouse does."""
    recent = pod.input_records.filter(author_kind=ActorKind.PERSON, at__gt=now() - DRAFT_KEPT)
    for record in recent.order_by("-pk")[:RECORDS_LOOKED_AT]:
        text = _REPORTS.sub("", record.text)
        if text or record.is_hidden:
            return record, text
    return None


def _send(pod: Pod, head: Prompt) -> bool:
    """The step first: it decides against an edit, a removal and another release at the same moment."""
    if pod.runner is None:
        return False
    mine = Prompt.objects.filter(pk=head.pk, state=PromptState.QUEUED)
    try:
        with transaction.atomic():
            if not mine.advance(PromptState.SENT):
                return False
            text, when = Prompt.objects.values_list("text", "when").get(pk=head.pk)
            command = queue_command(
                runner=pod.runner,
                kind=CommandKind.PROMPT,
                payload={"pod": pod.key, "text": text, "when": when},
                pod=pod,
                trace=head.trace,
            )
            Prompt.objects.filter(pk=head.pk).update(command=command)
    except IntegrityError:  # the constraint: one prompt in flight a Pod
        return False
    return True
