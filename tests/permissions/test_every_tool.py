"""Each person and each Pod with each tool, through the door they have: as the tables say.

A tool that the tables do not know fails: whoever adds one says who may use it.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from pods import toolbox
from pods.gateway.tools import answer
from pods.tooling import ToolAnswer, call_tool
from proto.mesh.v1 import runner_pb2 as pb
from tests.permissions.rules import PEOPLE, PODS
from tests.permissions.world import WITHOUT_A_TOKEN, Asker, Person, Verdict, World, undone

REFUSED = {"not_yours", "not_allowed", "not_an_admin", "read_only", "not_author"}
ABSENT = {"no_such_pod", "no_such_binding", "not_found"}
UNKNOWN = {"bad_pod_token"}
IN_THE_WAY = {  # it was let in, and something else is in the way
    *("runner_offline", "pod_not_ended", "no_question", "binding_exists", "same_pod", "no_screen"),
}

TARGET = {"pod": "target"}
REQUESTED, ACTIVE = {"binding": "requested sibling"}, {"binding": "active reader"}

Case = tuple[str, str, dict[str, Any]]
"""What people need, what Pods need, arguments."""

TABLE: dict[str, Case] = {
    # ---- Pods
    "create_pod": ("make", "anybody", {"agent_type": "shell"}),
    "list_pods": ("list", "anybody", {}),
    "get_pod": ("read", "read", TARGET),
    "terminate_pod": ("drive", "drive", TARGET),
    "archive_pod": ("drive", "drive", TARGET),
    "resume_pod": ("drive", "drive", TARGET),
    "fork_pod": ("drive", "drive", TARGET),
    "execute": ("drive", "drive", TARGET | {"argv": ["true"]}),
    "report_status": ("drive", "anybody", {"as": "target", "status": "working"}),
    # ---- what they do
    "read_terminal": ("read", "read", TARGET),
    "send_input": ("drive", "drive", TARGET | {"text": "x"}),
    "queue_prompt": ("drive", "drive", TARGET | {"text": "go on"}),
    "list_prompts": ("read", "read", TARGET),
    "answer_question": ("drive", "drive", TARGET | {"question": "q", "choice": "allow"}),
    "interrupt_agent": ("drive", "drive", TARGET),
    "get_workspace": ("read", "read", TARGET),
    "get_git_log": ("read", "read", TARGET),
    "get_git_diff": ("read", "read", TARGET),
    # ---- Bindings: the other member's Pod asks; the sibling has asked; the reader has one
    "create_binding": (
        "drive another's",
        "anybody of ours",
        {"as": "unbound", "target": "target", "scopes": ["terminal:read"]},
    ),
    "accept_binding": ("drive", "answer", REQUESTED),
    "reject_binding": ("drive", "answer", REQUESTED),
    "release_binding": ("change", "release", ACTIVE),
    "list_bindings": ("read", "read", TARGET),
    # ---- what there is
    "list_runners": ("list", "anybody", {}),
    "list_agent_types": ("list", "anybody", {}),
    "list_repositories": ("list", "anybody", {}),
    "create_channel": ("make", "anybody", {"name": "n"}),
    "list_channels": ("list", "anybody", {}),
}

# In a Channel that is open to all; in one that is closed only its members find it.
ROOMS: dict[str, tuple[str, dict[str, Any]]] = {
    "join_channel": ("change", {"channel": "room"}),
    "leave_channel": ("read", {"channel": "room"}),
    "publish_to_channel": ("change", {"channel": "room", "body": "hello"}),
    "read_channel": ("read", {"channel": "room"}),
    "read_document": ("read", {"channel": "room"}),
    "write_document": ("change", {"channel": "room", "text": "t", "version": 0}),
    "wait_for_messages": ("read", {"channels": ["room"], "timeout_s": 0}),
}


def _cases() -> Iterator[tuple[str, tuple[str, Case]]]:
    for name, case in TABLE.items():
        yield name, (name, case)
    for name, (need, given) in ROOMS.items():
        for room, people, pods in (
            ("open", need, "anybody of ours"),
            ("closed", "closed", "closed"),
        ):
            there = json.loads(json.dumps(given).replace("room", room))
            yield f"{name} {room}", (name, (people, pods, there))


CASES = dict(_cases())


class _ThisThread:
    """As a Gateway's pool, but in the thread and the transaction of the test."""

    async def run(self, fn: Callable[..., Any], *args: Any) -> Any:
        return await sync_to_async(fn)(*args)


def _arguments(world: World, given: dict[str, Any], *, of_pod: bool) -> dict[str, Any]:
    keys = {"target": world.target.key, "unbound": world.pods[Asker.UNBOUND].key}
    named = {name: keys.get(str(value), value) for name, value in given.items()}
    if "binding" in named:
        named["binding"] = int(world.names[named["binding"]])
    if (pod := named.pop("as", None)) and not of_pod:
        named["pod"] = pod
    return named


def _verdict(is_error: bool, code: str) -> Verdict:
    if not is_error or code in IN_THE_WAY:
        return Verdict.ALLOWED
    known = ((REFUSED, Verdict.REFUSED), (ABSENT, Verdict.ABSENT), (UNKNOWN, Verdict.UNKNOWN))
    return next(verdict for codes, verdict in known if code in codes)


def _asked_by_person(world: World, who: Person, name: str, given: dict[str, Any]) -> Verdict:
    arguments = _arguments(world, given, of_pod=False)
    with undone():
        told: ToolAnswer = async_to_sync(call_tool)(
            world.actor(who), name, arguments, _ThisThread().run
        )
    return _verdict(told.is_error, told.error_code)


def _call_of(world: World, who: Asker, name: str, given: dict[str, Any]) -> tuple[int, pb.ToolCall]:
    """Which Runner says it, and what."""
    runner = world.target.runner_id
    if who is Asker.STRANGER_POD:
        runner = world.pods[who].runner_id
    arguments = json.dumps(_arguments(world, given, of_pod=True)).encode()
    return runner, pb.ToolCall(pod_token=world.tokens[who], name=name, arguments_json=arguments)


def _asked_by_pod(world: World, who: Asker, name: str, given: dict[str, Any]) -> Verdict:
    with undone():
        told = async_to_sync(answer)(*_call_of(world, who, name, given), _ThisThread())
    return _verdict(told.is_error, told.error_code)


def test_the_tables_know_every_tool() -> None:
    assert {each.name for each in toolbox.tools()} == {*TABLE, *ROOMS}


@pytest.mark.django_db
@pytest.mark.parametrize("who", WITHOUT_A_TOKEN)
def test_without_the_token_of_a_living_pod_of_that_runner_nothing_is_done(
    own_world: World, who: Asker
) -> None:
    """All tools side by side: each waits a moment for a Pod that may just be starting."""

    async def call_all() -> list[pb.ToolAnswer]:
        async with asyncio.TaskGroup() as tasks:
            calls = [
                tasks.create_task(answer(*_call_of(own_world, who, name, given), _ThisThread()))
                for name, (_, _, given) in CASES.values()
            ]
        return [call.result() for call in calls]

    with undone():
        told = async_to_sync(call_all)()
    assert {_verdict(each.is_error, each.error_code) for each in told} == {Verdict.UNKNOWN}


@pytest.mark.parametrize("case", CASES)
def test_people_may_what_the_table_says(world: World, case: str) -> None:
    name, (need, _, given) = CASES[case]
    found = {who: _asked_by_person(world, who, name, given) for who in Person}
    assert found == PEOPLE[need]


@pytest.mark.parametrize("case", CASES)
def test_pods_may_what_the_table_says(world: World, case: str) -> None:
    name, (_, need, given) = CASES[case]
    asking = [who for who in Asker if who not in WITHOUT_A_TOKEN]
    found = {who: _asked_by_pod(world, who, name, given) for who in asking}
    assert found == {who: PODS[need][who] for who in asking}
