"""Rules that no linter knows: who writes state, what is saved, and that queues are bounded."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import tree

SERVER = ("accounts", "channels_app", "mesh", "pods")
WRITERS_OF_STATE = {f"pods/models/{name}.py" for name in ("binding", "command", "pod")}
PUBLISHES = {"pods/services/commands.py"}  # tasks are queued by `wake`, after the commit
PROGRAMS = tree.modules(*SERVER, "runner_agent")


def _calls(path: Path) -> Iterator[tuple[ast.Call, str, set[str | None]]]:
    """Each call, what is called, and its keywords."""
    for node in ast.walk(tree.parsed(path)):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func), {each.arg for each in node.keywords}


def _assigned_states(path: Path) -> Iterator[int]:
    for node in ast.walk(tree.parsed(path)):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            is_state = isinstance(target, ast.Attribute) and target.attr == "state"
            if is_state and ast.unparse(target.value) != "self":  # an object's own, not a row's
                yield node.lineno


@pytest.mark.parametrize("path", tree.modules(*SERVER), ids=tree.name)
def test_state_is_written_by_advance_alone(path):
    assert list(_assigned_states(path)) == []
    if tree.name(path) not in WRITERS_OF_STATE:
        updates = [
            call.lineno
            for call, called, keywords in _calls(path)
            if called.endswith(".update") and "state" in keywords
        ]
        assert updates == []


@pytest.mark.parametrize("path", tree.modules(*SERVER), ids=tree.name)
def test_a_save_says_what_it_changes(path):
    bare = [
        call.lineno
        for call, called, keywords in _calls(path)
        if called.endswith(".save")
        and not called.startswith("super()")
        and not keywords & {"update_fields", "force_insert"}
        and not call.args
    ]
    assert bare == []


@pytest.mark.parametrize("path", PROGRAMS, ids=tree.name)
def test_every_queue_has_a_bound(path):
    unbounded = [
        call.lineno
        for call, called, keywords in _calls(path)
        if called in {"asyncio.Queue", "queue.Queue", "Queue", "SimpleQueue", "queue.SimpleQueue"}
        and not call.args
        and "maxsize" not in keywords
    ]
    assert unbounded == []


@pytest.mark.parametrize("path", tree.modules(*SERVER), ids=tree.name)
def test_tasks_are_queued_in_one_place(path):
    if tree.name(path) in PUBLISHES:
        return
    queued = [
        call.lineno
        for call, called, _ in _calls(path)
        if called.endswith((".delay", ".apply_async", ".send_task"))
    ]
    assert queued == []
