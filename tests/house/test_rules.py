"""Rules that no linter knows: who writes state, what is saved, and that queues are bounded."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.house import tree

SERVER = tree.modules("accounts", "channels_app", "mesh", "pods")
RUNNER = tree.modules("runner_agent")
WRITERS_OF_STATE = {
    f"pods/models/{name}.py" for name in ("binding", "command", "pod", "prompt", "release")
}
PUBLISHES = {"pods/services/commands.py"}  # tasks are queued by `wake`, after the commit
QUEUES = {"asyncio.Queue", "queue.Queue", "Queue", "SimpleQueue", "queue.SimpleQueue"}

Call = tuple[ast.Call, str, set[str | None]]


def _calls(path: Path) -> Iterator[Call]:
    """Each call, what is called, and its keywords."""
    for node in ast.walk(tree.parsed(path)):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func), {each.arg for each in node.keywords}


def _where(modules: list[Path], offends: Callable[[Call], bool]) -> list[str]:
    return [
        f"{tree.name(path)}:{call[0].lineno}"
        for path in modules
        for call in _calls(path)
        if offends(call)
    ]


def test_no_row_is_assigned_a_state():
    assigned = [
        f"{tree.name(path)}:{node.lineno}"
        for path in SERVER
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute)
        and target.attr == "state"
        and ast.unparse(target.value) != "self"  # an object's own, not a row's
    ]
    assert assigned == []


def test_state_is_updated_by_advance_alone():
    others = [path for path in SERVER if tree.name(path) not in WRITERS_OF_STATE]
    assert _where(others, lambda call: call[1].endswith(".update") and "state" in call[2]) == []


def test_a_save_says_what_it_changes():
    def is_bare(call: Call) -> bool:
        node, called, keywords = call
        says = keywords & {"update_fields", "force_insert"} or node.args
        return called.endswith(".save") and not called.startswith("super()") and not says

    assert _where(SERVER, is_bare) == []


def test_every_queue_has_a_bound():
    def is_unbounded(call: Call) -> bool:
        node, called, keywords = call
        return called in QUEUES and not node.args and "maxsize" not in keywords

    assert _where([*SERVER, *RUNNER], is_unbounded) == []


def test_tasks_are_queued_in_one_place():
    others = [path for path in SERVER if tree.name(path) not in PUBLISHES]
    publish = (".delay", ".apply_async", ".send_task")
    assert _where(others, lambda call: call[1].endswith(publish)) == []
