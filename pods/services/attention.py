"""Which Pods wait for a person, and for what: from what their agents are seen to do, say of themselves, and were sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q

from pods.lifecycle import AgentState, PodState
from pods.models import Pod, Prompt
from pods.models.pod import PodQuerySet
from pods.prompts import PromptState


@dataclass(frozen=True, slots=True)
class PromptQueue:
    """What the queue of a Pod means for a person. `stuck`: a prompt that failed, and nobody has decided about."""

    waiting: int = 0
    stuck: Prompt | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """Why a Pod calls a person. `id` is that of this one occurrence: told once, however often it is shown."""

    kind: str  # question, waiting, prompt or lost
    id: str
    text: str
    since: datetime

    @property
    def lasts(self) -> str:
        """The word before how long it has been so."""
        return "waiting" if self.kind in {"question", "waiting"} else "for"


EMPTY = PromptQueue()


def queues_of(pods: Iterable[Pod]) -> dict[int, PromptQueue]:
    """By the id of the Pod; one that is missing has an empty queue. One query for all."""
    open_ = Q(state=PromptState.QUEUED) | Q(state=PromptState.FAILED, put_aside_at=None)
    found = Prompt.objects.filter(open_, pod__in=list(pods)).prefetch_related("receipts")
    queues: dict[int, PromptQueue] = {}
    for prompt in found.order_by("pk"):
        before = queues.get(prompt.pod_id, EMPTY)
        is_waiting = prompt.state == PromptState.QUEUED
        queues[prompt.pod_id] = PromptQueue(
            waiting=before.waiting + is_waiting,
            stuck=before.stuck if is_waiting or before.stuck else prompt,
        )
    return queues


def call_of(pod: Pod, queue: PromptQueue = EMPTY) -> Call | None:
    """The first thing that this Pod needs a person for, if any. The same rules as `needing_person`."""
    match pod.state:
        case PodState.LOST:
            return Call("lost", _id(pod, "lost", pod.state_since), pod.reason, pod.state_since)
        case PodState.RUNNING:
            return _asked(pod) or _said(pod) or _stuck(pod, queue)
    return None


def needing_person(pods: PodQuerySet) -> PodQuerySet:
    """The same rules as `call_of`, asked of the database."""
    stuck = Prompt.objects.filter(pod=OuterRef("pk")).stuck()
    went_on = Q(agent_state=AgentState.WORKING, agent_since__gt=F("status_since"))
    asks = Q(agent_state=AgentState.WAITING) | Q(Exists(stuck))
    asks |= Q(status="waiting") & ~went_on
    return pods.filter(Q(state=PodState.LOST) | Q(state=PodState.RUNNING) & asks)


def went_on(pod: Pod) -> bool:
    """Whether the agent took up work again after what it last said of itself."""
    if pod.status_since is None or pod.agent_since is None:
        return False
    return pod.agent_state == AgentState.WORKING and pod.agent_since > pod.status_since


def _asked(pod: Pod) -> Call | None:
    if pod.agent_state != AgentState.WAITING:
        return None
    since = pod.agent_since or pod.state_since
    if pod.question:
        return Call("question", f"{pod.key}:{pod.question['id']}", pod.question["text"], since)
    return Call("waiting", _id(pod, "waiting", since), pod.agent_text, since)


def _said(pod: Pod) -> Call | None:
    if pod.status != "waiting" or went_on(pod):
        return None
    since = pod.status_since or pod.state_since
    return Call("waiting", _id(pod, "said", since), pod.status_text, since)


def _stuck(pod: Pod, queue: PromptQueue) -> Call | None:
    if queue.stuck is None:
        return None
    why = [each.evidence for each in queue.stuck.receipts.all() if each.step == PromptState.FAILED]
    text = f"Prompt {queue.stuck.number} did not reach it. {''.join(why)}".strip()
    since = queue.stuck.over_at or queue.stuck.created_at
    return Call("prompt", f"{pod.key}:prompt-{queue.stuck.pk}", text, since)


def _id(pod: Pod, what: str, since: datetime) -> str:
    return f"{pod.key}:{what}-{since.timestamp():.0f}"
