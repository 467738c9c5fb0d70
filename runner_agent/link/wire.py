"""Protobuf on one side, plain messages on the other. With `terminal_wire` the only one of the link that knows both."""

import json
from typing import Any, assert_never

from proto.mesh.v1 import runner_pb2 as pb
from runner_agent import agent_messages as a
from runner_agent import messages as m
from runner_agent import session_messages as s

SPEAKS = (1, 2)  # lowest and highest version of the protocol
_SINCE_2 = (a.AgentStatus, a.AgentUsage, a.PromptStep, s.UpdateStep, s.AgentsFound)

Incoming = (
    s.Welcome
    | m.Command
    | m.Question
    | s.Heartbeat
    | s.Goodbye
    | s.ReportReceived
    | s.ResultsReceived
    | s.InputRecorded
)


class WireError(Exception):
    """The other side said something that is not in the protocol."""


# ---- Session, up


def is_spoken(message: s.Outgoing, protocol: int) -> bool:
    """Whether a Gateway of that protocol knows this kind of message."""
    return protocol > 1 or not isinstance(message, _SINCE_2)


def encode(message: s.Outgoing) -> pb.FromRunner:
    match message:
        case s.Hello():
            return pb.FromRunner(hello=_hello(message))
        case s.Heartbeat():
            return pb.FromRunner(heartbeat=_heartbeat(message))
        case s.CommandAck():
            return pb.FromRunner(command_ack=pb.CommandAck(id=message.id))
        case m.CommandResult():
            return pb.FromRunner(command_result=_result(message))
        case m.Progress(pod, step, text):
            return pb.FromRunner(pod_progress=pb.PodProgress(pod=pod, step=step, text=text[:500]))
        case m.PodReport():
            return pb.FromRunner(pod_report=_report(message))
        case m.Answer():
            return pb.FromRunner(answer=answer(message))
        case m.KeptScreen(pod, screen):
            return pb.FromRunner(kept_screen=pb.KeptScreen(pod=pod, screen_json=_json(screen)))
        case m.InputBurst():
            return pb.FromRunner(input_burst=_burst(message))
        case a.AgentStatus():
            return pb.FromRunner(agent_status=_agent_status(message))
        case a.AgentUsage(pod, usage):
            return pb.FromRunner(agent_usage=pb.AgentUsage(pod=pod, usage_json=_json(usage)))
        case a.PromptStep(command_id, step, at_ms, evidence):
            return pb.FromRunner(
                prompt_step=pb.PromptStep(
                    command_id=command_id, step=step, evidence=evidence, at_ms=at_ms
                )
            )
        case s.UpdateStep(command_id, step, at_ms, text):
            return pb.FromRunner(
                update_step=pb.UpdateStep(command_id=command_id, step=step, text=text, at_ms=at_ms)
            )
        case s.AgentsFound(agents):
            return pb.FromRunner(agents_found=pb.AgentsFound(agents=_agents(agents)))
        case s.Goodbye(reason, text):
            return pb.FromRunner(goodbye=pb.Goodbye(reason=reason.upper(), text=text))
        case _:
            assert_never(message)


def _hello(hello: s.Hello) -> pb.Hello:
    return pb.Hello(
        speaks_lowest=SPEAKS[0],
        speaks_highest=SPEAKS[1],
        version=hello.version,
        boot_id=hello.boot_id,
        hostname=hello.hostname,
        os=hello.os,
        labels=hello.labels,
        capacity=hello.capacity,
        agents=_agents(hello.agents),
        isolation=hello.isolation,
        pods=[_report(report) for report in hello.pods],
        mcp_port=hello.mcp_port,
        unfinished_commands=hello.unfinished_commands,
        platform=hello.platform,
        python=hello.python,
    )


def _agents(agents: tuple[m.InstalledAgent, ...]) -> list[pb.InstalledAgent]:
    return [
        pb.InstalledAgent(slug=one.slug, version=one.version, path=one.path, problem=one.problem)
        for one in agents
    ]


def _heartbeat(beat: s.Heartbeat) -> pb.Heartbeat:
    return pb.Heartbeat(
        sent_at_ms=beat.sent_at_ms,
        echo_ms=beat.echo_ms,
        running_pods=beat.running_pods,
        unsent_bytes=beat.unsent_bytes,
    )


def _result(result: m.CommandResult) -> pb.CommandResult:
    return pb.CommandResult(
        id=result.id,
        state=result.state,
        result_json=_json(result.result),
        error_code=result.error_code,
        error=result.error,
    )


def _report(report: m.PodReport) -> pb.PodReport:
    return pb.PodReport(
        pod=report.pod,
        state=report.state.upper(),
        exit_code=report.exit_code,
        end_offset=report.end_offset,
        reason=report.reason,
        asked=report.asked,
        screen_json=_json(report.screen) if report.screen is not None else b"",
    )


def _burst(burst: m.InputBurst) -> pb.InputBurst:
    return pb.InputBurst(
        pod=burst.pod,
        writer=burst.writer,
        position=burst.position,
        offset=burst.offset,
        at_ms=burst.at_ms,
        length=burst.length,
        data=burst.data,
        hidden=burst.is_hidden,
    )


def _agent_status(status: a.AgentStatus) -> pb.AgentStatus:
    return pb.AgentStatus(
        pod=status.pod,
        state=status.state,
        source=status.source,
        text=status.text,
        evidence=status.evidence,
        since_ms=status.since_ms,
        question_json=_json(status.question.told()) if status.question else b"",
        session=status.session,
    )


def answer(message: m.Answer) -> pb.Answer:
    return pb.Answer(
        question_id=message.question_id,
        body=message.body,
        headers=message.headers,
        error_code=message.error_code,
        error=message.error,
    )


# ---- Tools


def tool_call(token: str, name: str, arguments: dict[str, Any]) -> pb.ToolCall:
    return pb.ToolCall(pod_token=token, name=name, arguments_json=_json(arguments))


def tool_answer(answer: pb.ToolAnswer) -> m.ToolAnswer:
    data = _object(answer.data_json)
    return m.ToolAnswer(answer.text, data, answer.is_error, answer.error_code)


# ---- Session, down


def decode(message: pb.ToRunner) -> Incoming:
    """WireError when it is not in the protocol."""
    kind = message.WhichOneof("message")
    match kind:
        case "welcome":
            return _welcome(message.welcome)
        case "command":
            return _command(message.command)
        case "question":
            asked = message.question
            return m.Question(asked.id, asked.kind, asked.pod, _object(asked.args_json))
        case "heartbeat":
            beat = message.heartbeat
            return s.Heartbeat(beat.sent_at_ms, beat.echo_ms, trusted=beat.trusted)
        case "goodbye":
            return s.Goodbye(
                pb.Goodbye.Reason.Name(message.goodbye.reason).lower(), message.goodbye.text
            )
        case "report_received":
            return s.ReportReceived(message.report_received.pod)
        case "results_received":
            return s.ResultsReceived(tuple(message.results_received.ids))
        case "input_recorded":
            bursts = message.input_recorded.bursts
            return s.InputRecorded(tuple((b.pod, b.writer, b.position) for b in bursts))
        case None:
            raise WireError("The gateway sent a message of a kind that this Runner does not know.")
        case _:
            assert_never(kind)


def _welcome(welcome: pb.Welcome) -> s.Welcome:
    return s.Welcome(
        welcome.epoch,
        welcome.protocol,
        welcome.server_time_ms,
        welcome.runner_name,
        welcome.tools_json,
        welcome.release_key,
    )


def _command(command: pb.Command) -> m.Command:
    return m.Command(
        id=command.id,
        seq=command.seq,
        kind=command.kind,
        pod=command.pod,
        payload=_object(command.payload_json),
        expires_in_s=command.expires_in_ms / 1000 if command.expires_in_ms else None,
        secrets=dict(command.secrets),
        trace=command.trace,
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text or b"{}")
    except ValueError as error:
        raise WireError(f"The gateway sent JSON that cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise WireError("The gateway sent JSON that is not an object.")
    return value
