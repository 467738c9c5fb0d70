"""What a Runner says of the agents in its Pods, made into rows."""

from datetime import UTC, datetime

from django.utils.timezone import now

from pods import listeners
from pods.commands import OPEN, CommandKind
from pods.lifecycle import LIVE, AgentState
from pods.messages import AgentStatus, AgentUsage, PromptStep
from pods.models import Command, Pod, PodEvent
from pods.news import announce
from pods.services.sessions import Attachment


def note(pod: Pod, claim: AgentStatus | AgentUsage) -> None:
    """Claims come in order, under their Session's epoch: the latest holds. An ended Pod does nothing any more."""
    if isinstance(claim, AgentUsage):
        Pod.objects.filter(pk=pod.pk).update(usage=claim.usage)
        announce(pod.organization_id, "pod", pod.key, pod.state)
    elif pod.state in LIVE:
        _is_doing(pod, claim)


def _is_doing(pod: Pod, claim: AgentStatus) -> None:
    to = AgentState(claim.state)
    Pod.objects.filter(pk=pod.pk).update(
        agent_state=claim.state,
        agent_source=claim.source,
        agent_text=claim.text,
        agent_evidence=claim.evidence,
        agent_since=_time(claim.since_ms),
        question=claim.question,
        **({"conversation": claim.session} if claim.session else {}),
    )
    if pod.agent_state != to:
        text = (claim.text or claim.evidence)[:500]
        PodEvent.objects.agent_step(pod, to, source=claim.source, text=text)
        pod.refresh_from_db()
        for listener in listeners.agent_changed:
            listener(pod)
    announce(pod.organization_id, "pod", pod.key, pod.state)


def pod_ended(pod: Pod) -> None:
    """It asks nothing any more. What it said last stays to be read."""
    Pod.objects.filter(pk=pod.pk).update(
        agent_state=AgentState.UNKNOWN, agent_source="", question=None
    )


def _time(ms: int) -> datetime:
    """A Runner's clock may be wrong: nothing began in the future."""
    try:
        return min(datetime.fromtimestamp(ms / 1000, UTC), now())
    except (OverflowError, ValueError, OSError):
        return now()


def step(session: Attachment, claim: PromptStep) -> bool:
    """False for a prompt that is not this Runner's."""
    prompts = Command.objects.filter(runner_id=session.runner_id, kind=CommandKind.PROMPT)
    command = prompts.filter(pk=claim.command_id).select_related("pod").first()
    if command is None:
        return False
    if command.state in OPEN:
        for listener in listeners.prompt_went_on:
            listener(command, claim)
    return True
