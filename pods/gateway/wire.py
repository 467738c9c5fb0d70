"""Between protobuf and `pods.messages`. What a Runner sends is judged here: sizes, numbers, text, JSON."""

import json
from collections.abc import Iterable, Sequence
from typing import Literal, assert_never

from pods import messages
from pods.gateway.agent_wire import of_agent
from pods.gateway.cleaning import (
    INT_MAX,
    RESULT_MAX,
    MalformedError,
    clean,
    clean_screen,
    command_id,
    json_object,
    last_screen,
    pod_key,
)
from proto.mesh.v1 import runner_pb2 as pb

ITEMS_MAX = 64  # labels, agents
PODS_MAX = 10_000  # in one inventory
BURST_MAX = 64 * 1024  # bytes of input in one record
CAPACITY_MAX = 10_000


# ---- From a Runner


def decode(event: pb.FromRunner) -> messages.FromRunner:
    """Raises MalformedError."""
    match event.WhichOneof("message"):
        case "hello":
            return _hello(event.hello)
        case "heartbeat":
            beat = event.heartbeat
            owed = min(beat.unsent_bytes, INT_MAX)
            return messages.Heartbeat(beat.sent_at_ms, beat.echo_ms, owed)
        case "command_ack":
            return messages.CommandAck(command_id(event.command_ack.id))
        case "command_result":
            return _result(event.command_result)
        case "answer":
            return answer(event.answer)
        case "goodbye":
            return messages.Stopping(clean(event.goodbye.text, 500))
        case "update_step":
            return _update_step(event.update_step)
        case "agents_found":
            return messages.AgentsFound(_agents(event.agents_found.agents))
        case about_a_pod:
            return _ofpod_key(about_a_pod, event)


def _ofpod_key(kind: str | None, event: pb.FromRunner) -> messages.FromRunner:
    match kind:
        case "pod_progress":
            return _progress(event.pod_progress)
        case "pod_report":
            return _report(event.pod_report)
        case "kept_screen":
            kept = event.kept_screen
            return messages.KeptScreen(pod_key(kept.pod), clean_screen(kept.screen_json))
        case "input_burst":
            return _burst(event.input_burst)
        case "agent_status" | "agent_usage" | "prompt_step":
            return of_agent(kind, event)
        case _:
            raise MalformedError("an empty message, or one of a kind unknown here")


def answer(event: pb.Answer) -> messages.Answer:
    return messages.Answer(
        question_id=event.question_id,
        body=event.body,
        headers=dict(event.headers),
        error_code=clean(event.error_code, 40),
        error=clean(event.error, 2000),
    )


def _hello(hello: pb.Hello) -> messages.RunnerHello:
    if len(hello.pods) > PODS_MAX:
        raise MalformedError(f"more than {PODS_MAX} Pods")
    return messages.RunnerHello(
        speaks=(hello.speaks_lowest, hello.speaks_highest),
        version=clean(hello.version, 40),
        boot_id=clean(hello.boot_id, 60),
        hostname=clean(hello.hostname, 200),
        os=clean(hello.os, 100),
        labels=_labels(hello.labels.items()),
        capacity=min(hello.capacity, CAPACITY_MAX),
        agents=_agents(hello.agents),
        isolation="jail" if hello.isolation == "jail" else "none",
        pods=tuple(_report(report) for report in hello.pods),
        mcp_port=hello.mcp_port if hello.mcp_port < 2**16 else 0,
        unfinished_commands=frozenset(command_id(id_) for id_ in hello.unfinished_commands),
        platform=clean(hello.platform, 40),
        python=clean(hello.python, 10),
    )


def _labels(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {clean(name, 63): clean(value, 100) for name, value in sorted(pairs)[:ITEMS_MAX]}


def _agents(agents: Sequence[pb.InstalledAgent]) -> tuple[dict[str, str], ...]:
    return tuple(_agent(agent) for agent in agents[:ITEMS_MAX])


def _agent(agent: pb.InstalledAgent) -> dict[str, str]:
    return {
        "slug": clean(agent.slug, 40),
        "version": clean(agent.version, 100),
        "path": clean(agent.path, 500),
        "problem": clean(agent.problem, 500),
    }


def _update_step(step: pb.UpdateStep) -> messages.UpdateStep:
    if not 0 <= step.at_ms <= INT_MAX:
        raise MalformedError("a step of no time")
    return messages.UpdateStep(
        command_id(step.command_id), clean(step.step, 20), clean(step.text, 200), step.at_ms
    )


def _result(result: pb.CommandResult) -> messages.CommandResult:
    """A result that cannot be read is still the end of its Command."""
    state: Literal["done", "failed", "expired", "unknown"]
    match result.state:
        case "done" | "failed" | "expired" | "unknown" as state:
            pass
        case other:
            raise MalformedError(f"result state {other[:20]!r}")
    error = clean(result.error, 2000)
    try:
        value = json_object(result.result_json, RESULT_MAX) if result.result_json else {}
    except MalformedError as malformed:
        value, error = {}, f"{error} The Runner's result could not be read: {malformed}.".strip()
    return messages.CommandResult(
        id=command_id(result.id),
        state=state,
        result=value,
        error_code=clean(result.error_code, 40),
        error=error,
    )


def _progress(progress: pb.PodProgress) -> messages.PodProgress:
    match progress.step:
        case "workspace" | "agent" | "setup" | "ready" as step:
            return messages.PodProgress(pod_key(progress.pod), step, clean(progress.text, 500))
        case other:
            raise MalformedError(f"progress step {other[:20]!r}")


def _report(report: pb.PodReport) -> messages.PodReport:
    if report.end_offset > INT_MAX:
        raise MalformedError(f"offset {report.end_offset}")
    return messages.PodReport(
        pod=pod_key(report.pod),
        state=_pod_state(report.state),
        exit_code=report.exit_code,
        end_offset=report.end_offset,
        reason=clean(report.reason, 500),
        asked=report.asked,
        screen=last_screen(report.screen_json),
    )


def _burst(burst: pb.InputBurst) -> messages.InputBurst:
    if max(burst.position, burst.offset, burst.at_ms) > INT_MAX or burst.length > BURST_MAX:
        raise MalformedError("a burst of input out of range")
    if len(burst.data) != (0 if burst.hidden else burst.length):
        raise MalformedError("a burst of input of another length than it says")
    return messages.InputBurst(
        pod=pod_key(burst.pod),
        writer=clean(burst.writer, 200),
        position=burst.position,
        offset=burst.offset,
        at_ms=burst.at_ms,
        length=burst.length,
        data=burst.data,
        is_hidden=burst.hidden,
    )


def _pod_state(state: pb.PodReport.State) -> Literal["running", "ended", "lost"]:
    match state:
        case pb.PodReport.RUNNING:
            return "running"
        case pb.PodReport.ENDED:
            return "ended"
        case pb.PodReport.LOST:
            return "lost"
        case _:
            raise MalformedError(f"Pod state {state}")


# ---- To a Runner


def encode(message: messages.ToRunner) -> pb.ToRunner:
    match message:
        case messages.SendCommand():
            return pb.ToRunner(command=_command(message))
        case messages.Question():
            return pb.ToRunner(question=_question(message))
        case messages.Heartbeat(sent_at_ms, echo_ms, trusted=trusted):
            beat = pb.Heartbeat(sent_at_ms=sent_at_ms, echo_ms=echo_ms, trusted=trusted)
            return pb.ToRunner(heartbeat=beat)
        case messages.ReportReceived(pod):
            return pb.ToRunner(report_received=pb.ReportReceived(pod=pod))
        case messages.ResultsReceived(ids):
            return pb.ToRunner(results_received=pb.ResultsReceived(ids=ids))
        case messages.InputRecorded(bursts):
            return pb.ToRunner(input_recorded=_recorded(bursts))
        case messages.Welcome() | messages.Goodbye():
            return _first_or_last(message)
        case _:
            assert_never(message)


def _command(command: messages.SendCommand) -> pb.Command:
    return pb.Command(
        id=command.id,
        seq=command.seq,
        kind=command.kind,
        pod=command.pod,
        payload_json=json.dumps(command.payload).encode(),
        expires_in_ms=command.expires_in_ms,
        secrets=command.secrets,
        trace=command.trace,
    )


def _recorded(bursts: Iterable[messages.InputBurst]) -> pb.InputRecorded:
    named = [
        pb.InputRecorded.Burst(pod=each.pod, writer=each.writer, position=each.position)
        for each in bursts
    ]
    return pb.InputRecorded(bursts=named)


def _question(question: messages.Question) -> pb.Question:
    return pb.Question(
        id=question.id,
        kind=question.kind,
        pod=question.pod,
        args_json=json.dumps(question.args).encode(),
    )


_REASONS: dict[str, pb.Goodbye.Reason] = {
    "draining": pb.Goodbye.DRAINING,
    "superseded": pb.Goodbye.SUPERSEDED,
    "revoked": pb.Goodbye.REVOKED,
    "disabled": pb.Goodbye.DISABLED,
    "protocol": pb.Goodbye.PROTOCOL,
    # the text says it; the Runner dials again, in the second case with its renewed certificate
    "silent": pb.Goodbye.REASON_UNSPECIFIED,
    "expired": pb.Goodbye.REASON_UNSPECIFIED,
}


def _first_or_last(message: messages.Welcome | messages.Goodbye) -> pb.ToRunner:
    if isinstance(message, messages.Goodbye):
        goodbye = pb.Goodbye(reason=_REASONS[message.reason], text=message.text)
        return pb.ToRunner(goodbye=goodbye)
    return pb.ToRunner(
        welcome=pb.Welcome(
            epoch=message.epoch,
            protocol=message.protocol,
            server_time_ms=message.server_time_ms,
            runner_name=message.runner_name,
            tools_json=message.tools,
            release_key=message.release_key,
        )
    )
