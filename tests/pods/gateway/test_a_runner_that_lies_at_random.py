"""Whatever a Runner sends: it is understood or refused, and nobody else's rows or Terminals are touched."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pods.gateway.cleaning import MalformedError
from pods.gateway.hub import Hub
from pods.gateway.terminals import TerminalsStream
from pods.gateway.wire import decode
from pods.lifecycle import PodState
from pods.messages import Answer, Goodbye, Heartbeat, RunnerHello, Stopping
from pods.models import Command, Pod, Runner
from pods.services.reports import settle, take_inventory
from pods.services.sessions import Attachment, RunnerRefusedError, attach
from pods.terminals.viewing import Viewing
from proto.mesh.v1 import runner_pb2
from tests.builders import make_pod, make_runner
from tests.pods.gateway.rig import queue

FOREIGN = "pod-foreig"
OF_THE_SESSION = (Answer, Goodbye, Heartbeat, RunnerHello, Stopping)
NAMES = st.sampled_from(
    ["", FOREIGN, "pod-mine22", "../../x", "shell", "done", "\x1b[2J", "0" * 32]
)
TEXTS = NAMES | st.text(max_size=40)
JSON = st.sampled_from([b"{}", b"[]", b'{"text": "x"}', b'{"a": NaN}', b"\xff", b"{" * 3000])


def messages(kind: type[Message], depth: int = 3) -> st.SearchStrategy[Any]:
    """Any message of this type, every field filled or not."""
    fields = {field.name: _values(field, depth) for field in kind.DESCRIPTOR.fields}
    one_of = [name for oneof in kind.DESCRIPTOR.oneofs for name in _names(oneof)]
    chosen = st.fixed_dictionaries({}, optional=_only(fields, set(fields) - set(one_of)))
    if one_of:
        picked = st.sampled_from(one_of).flatmap(lambda n: fields[n].map(lambda v: {n: v}))
        chosen = st.tuples(chosen, picked).map(lambda both: both[0] | both[1])
    return chosen.map(lambda values: kind(**values))


def _names(oneof: Any) -> list[str]:
    return [field.name for field in oneof.fields]


def _only(fields: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: fields[name] for name in names}


def _values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type and field.message_type.GetOptions().map_entry:
        return st.dictionaries(TEXTS, TEXTS, max_size=2)
    if field.message_type:
        inner = getattr(runner_pb2, field.message_type.name)
        one = messages(inner, depth - 1) if depth else st.just(inner())
    else:
        one = _plain(field)
    return st.lists(one, max_size=2) if field.is_repeated else one


def _plain(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    kinds = {
        FieldDescriptor.TYPE_STRING: TEXTS,
        FieldDescriptor.TYPE_BYTES: JSON | st.binary(max_size=40),
        FieldDescriptor.TYPE_BOOL: st.booleans(),
        FieldDescriptor.TYPE_ENUM: st.integers(0, 9),
        FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
        FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
        FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
        FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
    }
    return kinds[field.type]


@settings(max_examples=200)
@given(messages(runner_pb2.FromRunner))
def test_every_message_is_understood_or_refused(message: Any) -> None:
    with suppress(MalformedError):
        decode(runner_pb2.FromRunner.FromString(message.SerializeToString()))


@pytest.fixture
def stage(db: None) -> tuple[Runner, Pod, str]:
    """A Runner with a Pod of its own; another one's Pod and Command."""
    mine, other = make_runner(epoch=1), make_runner()
    make_pod(runner=mine, key="pod-mine22", state=PodState.RUNNING)
    foreign = make_pod(runner=other, key=FOREIGN, state=PodState.RUNNING)
    return mine, foreign, queue(other, pod=foreign)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(messages(runner_pb2.FromRunner), max_size=6))
def test_no_claim_touches_what_is_anothers(stage: Any, said: list[Any]) -> None:
    mine, foreign, command = stage
    session = Attachment(mine.pk, 1, mine.organization_id, mine.name)
    before = Pod.objects.filter(pk=foreign.pk).values().get()
    for message in said:
        try:
            claim = decode(message)
        except MalformedError:
            continue
        if not isinstance(claim, OF_THE_SESSION):
            settle(session, [claim])
    assert Pod.objects.filter(pk=foreign.pk).values().get() == before
    assert Command.objects.get(pk=command).state == "queued"


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(messages(runner_pb2.Hello))
def test_no_hello_touches_what_is_anothers(stage: Any, hello: Any) -> None:
    mine, foreign, command = stage
    with suppress(MalformedError, RunnerRefusedError):
        decoded = decode(runner_pb2.FromRunner(hello=hello))
        assert isinstance(decoded, RunnerHello)
        session = attach(mine.pk, gateway_id="here", hello=decoded)
        take_inventory(session, decoded)
    foreign.refresh_from_db()
    assert foreign.state == PodState.RUNNING
    assert Command.objects.get(pk=command).state == "queued"


@settings(max_examples=60)
@given(st.lists(messages(runner_pb2.TerminalUp), max_size=8))
def test_no_terminal_stream_reaches_anothers_terminal(said: list[Any]) -> None:
    async def play() -> None:
        hub = Hub()
        theirs, mine = TerminalsStream(1, hub), TerminalsStream(2, hub)
        hub.attach(theirs)
        hub.attach(mine)
        watched = Viewing(hub.terminal(1, FOREIGN).feeds, 0)
        own = Viewing(hub.terminal(2, "pod-mine22").feeds, 0)
        number = next(iter(hub.terminal(1, FOREIGN).feeds)).number
        for message in said:
            kind = message.WhichOneof("message")
            body = kind and getattr(message, kind)
            if body is not None and hasattr(body, "feed"):
                body.feed = number  # the lie that would pay
            mine._receive(message)
        assert watched.take() is None
        watched.close()
        own.close()

    asyncio.run(play())
