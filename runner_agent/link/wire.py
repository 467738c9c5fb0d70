"""Protobuf on one side, plain messages on the other. The only module of the Runner's link that knows both."""

import json
from typing import Any, assert_never

from proto.mesh.v1 import runner_pb2 as pb
from runner_agent import messages as m
from runner_agent import session_messages as s

SPEAKS = (1, 1)  # lowest and highest version of the protocol

Incoming = (
    s.Welcome
    | m.Command
    | m.Question
    | s.Heartbeat
    | s.Goodbye
    | s.ReportReceived
    | s.ResultsReceived
)


class WireError(Exception):
    """The other side said something that is not in the protocol."""


# ---- Session, up


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
        agents=[
            pb.InstalledAgent(slug=a.slug, version=a.version, path=a.path, problem=a.problem)
            for a in hello.agents
        ],
        isolation=hello.isolation,
        pods=[_report(report) for report in hello.pods],
        mcp_port=hello.mcp_port,
        unfinished_commands=hello.unfinished_commands,
    )


def _heartbeat(beat: s.Heartbeat) -> pb.Heartbeat:
    return pb.Heartbeat(
        sent_at_ms=beat.sent_at_ms, echo_ms=beat.echo_ms, running_pods=beat.running_pods
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


def answer(message: m.Answer) -> pb.Answer:
    return pb.Answer(
        question_id=message.question_id,
        body=message.body,
        headers=message.headers,
        error_code=message.error_code,
        error=message.error,
    )


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
            return s.Heartbeat(beat.sent_at_ms, beat.echo_ms, beat.running_pods)
        case "goodbye":
            return s.Goodbye(
                pb.Goodbye.Reason.Name(message.goodbye.reason).lower(), message.goodbye.text
            )
        case "report_received":
            return s.ReportReceived(message.report_received.pod)
        case "results_received":
            return s.ResultsReceived(tuple(message.results_received.ids))
        case None:
            raise WireError("The gateway sent a message of a kind that this Runner does not know.")
        case _:
            assert_never(kind)


def _welcome(welcome: pb.Welcome) -> s.Welcome:
    return s.Welcome(welcome.epoch, welcome.protocol, welcome.server_time_ms, welcome.runner_name)


def _command(command: pb.Command) -> m.Command:
    return m.Command(
        id=command.id,
        seq=command.seq,
        kind=command.kind,
        pod=command.pod,
        payload=_object(command.payload_json),
        expires_in_s=command.expires_in_ms / 1000 if command.expires_in_ms else None,
    )


# ---- Terminals


def terminals_hello(epoch: int) -> pb.TerminalUp:
    return pb.TerminalUp(hello=pb.TerminalsHello(epoch=epoch))


def encode_event(event: m.TerminalEvent) -> pb.TerminalUp:
    match event:
        case m.Output(feed, offset, data):
            return pb.TerminalUp(output=pb.Output(feed=feed, offset=offset, data=data))
        case m.Gap(feed, start, to):
            gap = pb.Gap(feed=feed, to=to)
            setattr(gap, "from", start)  # a word of Python's own
            return pb.TerminalUp(gap=gap)
        case m.Screen(feed, offset, cols, rows, data):
            return pb.TerminalUp(
                screen=pb.Screen(feed=feed, offset=offset, cols=cols, rows=rows, data=data)
            )
        case m.Size(feed, offset, cols, rows):
            return pb.TerminalUp(size=pb.Size(feed=feed, offset=offset, cols=cols, rows=rows))
        case m.End(feed, offset, exit_code):
            return pb.TerminalUp(end=pb.End(feed=feed, offset=offset, exit_code=exit_code))
        case m.Attached(feed, start, end, cols, rows):
            return pb.TerminalUp(
                attached=pb.Attached(feed=feed, start=start, end=end, cols=cols, rows=rows)
            )
        case m.InputTaken(pod, writer, position):
            return pb.TerminalUp(
                input_taken=pb.InputTaken(pod=pod, writer=writer, position=position)
            )
        case m.InputRefused(pod, writer, position, reason):
            return pb.TerminalUp(
                input_refused=pb.InputRefused(
                    pod=pod, writer=writer, position=position, reason=reason
                )
            )
        case m.FeedRefused(feed, reason):
            return pb.TerminalUp(refused=pb.FeedRefused(feed=feed, reason=reason))
        case _:
            assert_never(event)


def decode_request(message: pb.TerminalDown) -> m.TerminalRequest:
    """WireError when it is not in the protocol."""
    kind = message.WhichOneof("message")
    match kind:
        case "open":
            opened = message.open
            offset = opened.offset if opened.WhichOneof("start") == "offset" else None
            return m.OpenFeed(opened.feed, opened.pod, offset, opened.live)
        case "ack":
            return m.FeedAck(message.ack.feed, message.ack.offset)
        case "close":
            return m.CloseFeed(message.close.feed)
        case "input":
            typed = message.input
            return m.Input(typed.pod, typed.data, typed.writer, typed.position)
        case "resize":
            return m.Resize(message.resize.pod, message.resize.cols, message.resize.rows)
        case None:
            raise WireError(
                "The gateway asked something of a Terminal that this Runner does not know."
            )
        case _:
            assert_never(kind)


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
