"""What a Runner claims about its Pods, made into rows. It can only speak of its own, and only under its own epoch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from django.db import transaction
from django.db.models import Exists, OuterRef

from pods.commands import OPEN, CommandKind
from pods.lifecycle import LIVE, PodState
from pods.messages import (
    AboutCommand,
    AgentsFound,
    AgentStatus,
    AgentUsage,
    CommandAck,
    CommandResult,
    InputBurst,
    KeptScreen,
    PodProgress,
    PodReport,
    PromptStep,
    Report,
    RunnerHello,
    UpdateStep,
)
from pods.models import Command, Pod, PodEvent, Runner
from pods.news import announce
from pods.services import agent_reports, updates
from pods.services.ends import found_running, has_ended, keep_screen, lose
from pods.services.input_records import keep_burst
from pods.services.results import give_up_on_lost, settle_ack, settle_result
from pods.services.sessions import Attachment, fence, known_to


@dataclass(slots=True)
class Settled:
    """What the Runner is to be told, and what this Gateway has to do, once the claims are committed."""

    typed: list[InputBurst] = field(default_factory=list)  # need not be sent again
    results: list[str] = field(default_factory=list)  # Command ids: need not be sent again
    ends: list[str] = field(default_factory=list)  # Pod keys: need not be reported again
    refused: list[str] = field(default_factory=list)  # what was wrong with which claim
    has_freed: bool = False  # there may be a place for a waiting Pod

    def add(self, other: "Settled") -> None:
        self.typed += other.typed
        self.results += other.results
        self.ends += other.ends
        self.refused += other.refused
        self.has_freed |= other.has_freed


def settle(session: Attachment, claims: Sequence[Report]) -> Settled:
    """Write the claims down in order, in one transaction. Raises StaleEpochError: then nothing is written."""
    settled = Settled()
    with transaction.atomic():
        for claim in _latest(claims):
            _settle_one(session, claim, settled)
        fence(session)
    return settled


def take_inventory(session: Attachment, hello: RunnerHello) -> Settled:
    """Compare a Runner's whole inventory with the rows: found, ended, lost. Raises StaleEpochError."""
    settled = Settled()
    with transaction.atomic():
        for report in hello.pods:
            _settle_pod(session, report, settled)
        give_up_on_lost(session, hello.unfinished_commands)
        _lose_missing(session, settled)
        fence(session)
    settled.ends.clear()  # the Runner reports each end by itself as well, with the last screen
    return settled


def _settle_one(session: Attachment, claim: Report, settled: Settled) -> None:
    match claim:
        case CommandAck() | CommandResult() | UpdateStep():
            _settle_command(session, claim, settled)
        case PodReport():
            _settle_pod(session, claim, settled)
        case InputBurst():
            _record_input(session, claim, settled)
        case PodProgress() | KeptScreen():
            _show(session, claim, settled)
        case AgentStatus() | AgentUsage():
            _note_agent(session, claim, settled)
        case AgentsFound():
            _note_found(session, claim, settled)
        case PromptStep():
            _note_step(session, claim, settled)
        case _:
            assert_never(claim)


def _settle_command(session: Attachment, claim: AboutCommand, settled: Settled) -> None:
    if isinstance(claim, UpdateStep):
        if not updates.step(session, claim):
            settled.refused.append(f"a step of Command {claim.command_id}, not its own")
        return
    if isinstance(claim, CommandAck):
        is_its = settle_ack(session, claim)
    else:
        is_its = settle_result(session, claim)
        settled.results.append(claim.id)
        settled.has_freed = True
    if not is_its:
        settled.refused.append(f"word about Command {claim.id}, which it was not sent")


def _latest(claims: Sequence[Report]) -> list[Report]:
    """Of the screens and progress lines of a Pod only the last one matters."""
    last: dict[object, int] = {}
    for number, claim in enumerate(claims):
        match claim:
            case KeptScreen(pod=pod):
                last["screen", pod] = number
            case PodProgress(pod=pod, step=step):
                last[step, pod] = number
            case AgentUsage(pod=pod):
                last["usage", pod] = number
            case _:
                last[number] = number
    return [claims[number] for number in sorted(last.values())]


def _pod_of(session: Attachment, key: str, settled: Settled, *columns: str) -> Pod | None:
    """With these columns alone, if any are named."""
    mine = Pod.objects.filter(key=key, runner_id=session.runner_id)
    pod = (mine.only(*columns) if columns else mine).first()
    if pod is None:
        settled.refused.append(f"word about Pod {key}, which is not its own")
    return pod


# ---- Progress and screens


def _show(session: Attachment, claim: PodProgress | KeptScreen, settled: Settled) -> None:
    pod = _pod_of(session, claim.pod, settled, "key", "state", "organization")
    if pod and isinstance(claim, KeptScreen):
        keep_screen(pod, claim.screen)
    elif pod and isinstance(claim, PodProgress):
        _progress(pod, claim)


def _note_agent(session: Attachment, claim: AgentStatus | AgentUsage, settled: Settled) -> None:
    if pod := _pod_of(session, claim.pod, settled):
        agent_reports.note(pod, claim)


def _note_step(session: Attachment, claim: PromptStep, settled: Settled) -> None:
    if not agent_reports.step(session, claim):
        settled.refused.append(f"a step of Command {claim.command_id}, not its own")


def _note_found(session: Attachment, claim: AgentsFound, settled: Settled) -> None:
    """A Pod may have waited for one of them."""
    Runner.objects.filter(pk=session.runner_id).update(agents=list(claim.agents))
    announce(session.organization_id, "runner", str(session.runner_id))
    settled.has_freed = True


def _record_input(session: Attachment, burst: InputBurst, settled: Settled) -> None:
    settled.typed.append(burst)
    if pod := _pod_of(session, burst.pod, settled):
        keep_burst(pod, burst)


def _progress(pod: Pod, claim: PodProgress) -> None:
    """One event a step, showing its newest line: however much a Runner says, it is three rows."""
    if pod.state not in {PodState.STARTING, PodState.RUNNING}:
        return
    said = PodEvent.objects.filter(pod=pod, kind=PodEvent.Kind.PROGRESS, step=claim.step)
    if not said.update(text=claim.text):
        PodEvent.objects.create(
            pod=pod, kind=PodEvent.Kind.PROGRESS, step=claim.step, text=claim.text
        )
    announce(pod.organization_id, "pod", pod.key, pod.state)


# ---- Running, ended, lost


def _settle_pod(session: Attachment, report: PodReport, settled: Settled) -> None:
    pod = _pod_of(session, report.pod, settled)
    if pod is None:
        return
    if pod.state == PodState.PENDING:
        settled.refused.append(f"word about Pod {pod.key}, which it was not told to start")
        return
    match report.state:
        case "running":
            found_running(pod)
        case "ended":
            settled.ends.append(pod.key)
            settled.has_freed = True
            has_ended(pod, report)
        case "lost":
            settled.ends.append(pod.key)
            settled.has_freed = True
            lose(pod, report.reason or "Its host is gone.", end_offset=report.end_offset)
        case _:
            assert_never(report.state)


def _lose_missing(session: Attachment, settled: Settled) -> None:
    """The inventory is complete, so a Pod it does not name is not there, unless its start is still to come."""
    start = Command.objects.filter(pod=OuterRef("pk"), kind=CommandKind.START, state__in=OPEN)
    missing = Pod.objects.filter(
        known_to(session, "state_since"), runner_id=session.runner_id, state__in=LIVE
    )
    for pod in missing.exclude(Exists(start)).exclude(key__in=session.inventory):
        settled.has_freed = True
        lose(pod, "Its Runner came back without it.")
