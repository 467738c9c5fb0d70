"""Between protobuf and `pods.messages`. What a Runner sends is judged here: sizes, numbers, text, JSON."""

import json
import re
import uuid
from collections.abc import Iterable
from typing import Any, Literal, NoReturn, assert_never

from pods import messages
from proto.mesh.v1 import runner_pb2 as pb

SCREEN_MAX = RESULT_MAX = 64 * 1024  # bytes of JSON
ITEMS_MAX = 64  # labels, agents
PODS_MAX = 10_000  # in one inventory
CAPACITY_MAX = 10_000
INT_MAX = 2**63 - 1  # what a column takes

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # not tab, not newline
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")  # PostgreSQL takes neither NUL nor lone surrogates
_KEY = re.compile(r"[a-z0-9-]{1,32}")


class MalformedError(Exception):
    """What the Runner sent cannot be what it claims to be; the message says why."""


# ---- From a Runner


def decode(event: pb.FromRunner) -> messages.FromRunner:
    """Raises MalformedError."""
    match event.WhichOneof("message"):
        case "hello":
            return _hello(event.hello)
        case "heartbeat":
            return messages.Heartbeat(event.heartbeat.sent_at_ms, event.heartbeat.echo_ms)
        case "command_ack":
            return messages.CommandAck(_command_id(event.command_ack.id))
        case "command_result":
            return _result(event.command_result)
        case "answer":
            return answer(event.answer)
        case "goodbye":
            return messages.Stopping(_clean(event.goodbye.text, 500))
        case about_a_pod:
            return _of_pod(about_a_pod, event)


def _of_pod(kind: str | None, event: pb.FromRunner) -> messages.FromRunner:
    match kind:
        case "pod_progress":
            return _progress(event.pod_progress)
        case "pod_report":
            return _report(event.pod_report)
        case "kept_screen":
            kept = event.kept_screen
            return messages.KeptScreen(_pod(kept.pod), _screen(kept.screen_json))
        case _:
            raise MalformedError("an empty message, or one of a kind unknown here")


def answer(event: pb.Answer) -> messages.Answer:
    return messages.Answer(
        question_id=event.question_id,
        body=event.body,
        headers=dict(event.headers),
        error_code=_clean(event.error_code, 40),
        error=_clean(event.error, 2000),
    )


def _hello(hello: pb.Hello) -> messages.RunnerHello:
    if len(hello.pods) > PODS_MAX:
        raise MalformedError(f"more than {PODS_MAX} Pods")
    return messages.RunnerHello(
        speaks=(hello.speaks_lowest, hello.speaks_highest),
        version=_clean(hello.version, 40),
        boot_id=_clean(hello.boot_id, 60),
        hostname=_clean(hello.hostname, 200),
        os=_clean(hello.os, 100),
        labels=_labels(hello.labels.items()),
        capacity=min(hello.capacity, CAPACITY_MAX),
        agents=tuple(_agent(agent) for agent in hello.agents[:ITEMS_MAX]),
        isolation="jail" if hello.isolation == "jail" else "none",
        pods=tuple(_report(report) for report in hello.pods),
        mcp_port=hello.mcp_port if hello.mcp_port < 2**16 else 0,
        unfinished_commands=frozenset(_command_id(id_) for id_ in hello.unfinished_commands),
    )


def _labels(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {_clean(name, 63): _clean(value, 100) for name, value in sorted(pairs)[:ITEMS_MAX]}


def _agent(agent: pb.InstalledAgent) -> dict[str, str]:
    return {
        "slug": _clean(agent.slug, 40),
        "version": _clean(agent.version, 100),
        "path": _clean(agent.path, 500),
        "problem": _clean(agent.problem, 500),
    }


def _result(result: pb.CommandResult) -> messages.CommandResult:
    """A result that cannot be read is still the end of its Command."""
    state: Literal["done", "failed", "expired", "unknown"]
    match result.state:
        case "done" | "failed" | "expired" | "unknown" as state:
            pass
        case other:
            raise MalformedError(f"result state {other[:20]!r}")
    error = _clean(result.error, 2000)
    try:
        value = _object(result.result_json, RESULT_MAX) if result.result_json else {}
    except MalformedError as malformed:
        value, error = {}, f"{error} The Runner's result could not be read: {malformed}.".strip()
    return messages.CommandResult(
        id=_command_id(result.id),
        state=state,
        result=value,
        error_code=_clean(result.error_code, 40),
        error=error,
    )


def _progress(progress: pb.PodProgress) -> messages.PodProgress:
    match progress.step:
        case "workspace" | "agent" | "ready" as step:
            return messages.PodProgress(_pod(progress.pod), step, _clean(progress.text, 500))
        case other:
            raise MalformedError(f"progress step {other[:20]!r}")


def _report(report: pb.PodReport) -> messages.PodReport:
    if report.end_offset > INT_MAX:
        raise MalformedError(f"offset {report.end_offset}")
    return messages.PodReport(
        pod=_pod(report.pod),
        state=_pod_state(report.state),
        exit_code=report.exit_code,
        end_offset=report.end_offset,
        reason=_clean(report.reason, 500),
        asked=report.asked,
        screen=_last_screen(report.screen_json),
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


def _last_screen(raw: bytes) -> dict[str, Any] | None:
    """An end is believed without its screen."""
    try:
        return _screen(raw) if raw else None
    except MalformedError:
        return None


def _screen(raw: bytes) -> dict[str, Any]:
    """Only what a screen has, each of its kind."""
    found = _object(raw, SCREEN_MAX)
    kinds = {"text": str, "title": str, "bracketed_paste": bool, "echo": bool}
    numbers = {"cols": 1000, "rows": 1000, "offset": INT_MAX}
    screen: dict[str, Any] = {
        name: found[name] for name, kind in kinds.items() if isinstance(found.get(name), kind)
    }
    screen |= {
        name: found[name] for name, most in numbers.items() if _is_number(found.get(name), most)
    }
    match found.get("cursor"):
        case [x, y] if _is_number(x, 1000) and _is_number(y, 1000):
            screen["cursor"] = [x, y]
    if "text" not in screen:
        raise MalformedError("a screen without text")
    return screen


def _is_number(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _pod(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise MalformedError("a Pod's key that is none")
    return key


def _command_id(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise MalformedError("a Command's id that is none") from error


def _object(raw: bytes, most: int) -> dict[str, Any]:
    if len(raw) > most:
        raise MalformedError(f"JSON of {len(raw)} bytes")
    try:
        value = _cleaned(json.loads(raw, parse_constant=_refuse_constant))
    except (ValueError, RecursionError) as error:
        raise MalformedError("JSON that cannot be read") from error
    if not isinstance(value, dict):
        raise MalformedError("JSON that is not an object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and the infinities: no database takes them


def _cleaned(value: Any) -> Any:
    """Without what no database takes: NUL, lone surrogates, numbers beyond 64 bits."""
    match value:
        case str():
            return _UNSTORABLE.sub("\ufffd", value)
        case list():
            return [_cleaned(item) for item in value]
        case dict():
            return {_cleaned(name): _cleaned(item) for name, item in value.items()}
        case int() if abs(value) > INT_MAX:
            raise ValueError("a number beyond 64 bits")
        case float() if value in {float("inf"), float("-inf")}:
            raise ValueError("a number without end")  # 1e999
        case _:
            return value


def _clean(text: str, most: int) -> str:
    """One line, without control characters."""
    return " ".join(_CONTROL.sub("", text).split())[:most]


# ---- To a Runner


def encode(message: messages.ToRunner) -> pb.ToRunner:
    match message:
        case messages.SendCommand():
            return pb.ToRunner(command=_command(message))
        case messages.Question():
            return pb.ToRunner(question=_question(message))
        case messages.Heartbeat(sent_at_ms, echo_ms):
            return pb.ToRunner(heartbeat=pb.Heartbeat(sent_at_ms=sent_at_ms, echo_ms=echo_ms))
        case messages.ReportReceived(pod):
            return pb.ToRunner(report_received=pb.ReportReceived(pod=pod))
        case messages.ResultsReceived(ids):
            return pb.ToRunner(results_received=pb.ResultsReceived(ids=ids))
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
    )


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
        )
    )
