"""A tool called at a door: what is told for what it does, refuses, waits for, or breaks at."""

import pytest
from pydantic import Field

from accounts.actor import Actor, ActorKind
from pods import toolbox
from pods.errors import ConflictError, NotAllowedError, RefusedError
from pods.models import Pod
from pods.toolbox import Arguments, Outcome, Wait
from pods.tooling import _run, arguments, call_tool
from tests.builders import actor_of, make_pod

SOMEBODY = Actor(ActorKind.PERSON, 1, "bob", 1)


class Count(Arguments):
    number: int = Field(0, ge=0)


async def here(fn, *args):
    return fn(*args)


@pytest.fixture
def declared(monkeypatch):
    """Tools declared in the test are gone after it."""
    monkeypatch.setattr(toolbox, "_TOOLS", dict(toolbox._TOOLS))
    return toolbox.tool


async def test_data_and_text_are_told(declared):
    @declared(Count)
    def count(_actor, asked):
        return Outcome({"number": asked.number}, f"It is {asked.number}.")

    answer = await call_tool(SOMEBODY, "count", {"number": 3}, here)
    assert (answer.text, answer.data, answer.is_error) == ("It is 3.", {"number": 3}, False)


@pytest.mark.parametrize("given", [{"number": -1}, {"number": "many"}, {"nummer": 1}])
async def test_wrong_arguments_are_named(declared, given):
    @declared(Count)
    def count(_actor, _asked):
        raise AssertionError

    answer = await call_tool(SOMEBODY, "count", given, here)
    assert (answer.is_error, answer.error_code) == (True, "bad_arguments")
    assert next(iter(given)) in answer.text


async def test_an_unknown_tool_is_refused():
    answer = await call_tool(SOMEBODY, "count_to_ten", {}, here)
    assert (answer.is_error, answer.error_code) == (True, "unknown_tool")
    assert "list_pods" in answer.data["tools"]


async def test_a_refusal_is_an_answer_with_its_code(declared):
    @declared(Count)
    def count(_actor, _asked):
        raise ConflictError("counting", "Somebody counts already.", by="bob")

    answer = await call_tool(SOMEBODY, "count", {}, here)
    assert (answer.text, answer.error_code) == ("Somebody counts already.", "counting")
    assert answer.data == {"by": "bob"}


async def test_a_broken_tool_tells_nothing_of_its_inside(declared, caplog):
    @declared(Count)
    def count(_actor, _asked):
        raise ZeroDivisionError("secret")

    answer = await call_tool(SOMEBODY, "count", {}, here)
    assert (answer.is_error, answer.error_code) == (True, "internal")
    assert "secret" not in answer.text
    assert "tool count failed" in caplog.text


@pytest.mark.looptime
async def test_a_tool_that_waits_is_run_again_and_then_answers(declared):
    runs = []

    @declared(Count)
    def count(_actor, asked):
        runs.append(asked)
        later = Outcome({}, "Not yet.")
        return Outcome({}, "Now.") if len(runs) > 2 else Wait(frozenset({"pod"}), 10, later, 1)

    assert (await call_tool(SOMEBODY, "count", {}, here)).text == "Now."


@pytest.mark.looptime
async def test_when_time_is_up_it_tells_what_else(declared):
    @declared(Count)
    def count(_actor, _asked):
        return Wait(frozenset({"pod"}), 10_000, Outcome({}, "Not yet."), 1000)

    assert (await call_tool(SOMEBODY, "count", {}, here)).text == "Not yet."


@pytest.mark.looptime
async def test_what_was_begun_is_looked_at_and_not_begun_again(declared):
    begun, looked = [], []

    def look():
        looked.append(1)
        return Outcome({}, "Done.") if len(looked) > 1 else None

    @declared(Count)
    def count(_actor, _asked):
        begun.append(1)
        return Wait(frozenset({"pod"}), 10, Outcome({}, "Not yet."), 1, again=look)

    assert (await call_tool(SOMEBODY, "count", {}, here)).text == "Done."
    assert begun == [1]


@pytest.mark.looptime
@pytest.mark.parametrize(("waits_for", "runs"), [(frozenset({"pod"}), 2), (frozenset(), 3)])
async def test_what_says_that_it_waits_listens_before_it_is_run(declared, waits_for, runs):
    """Else it is run once more, for what may have happened before it listened."""
    begun = []

    @declared(Count, waits_for=waits_for)
    def count(_actor, _asked):
        begun.append(1)
        return Wait(frozenset({"pod"}), 1, Outcome({}, "Not yet."), 1)

    assert (await call_tool(SOMEBODY, "count", {}, here)).text == "Not yet."
    assert len(begun) == runs


def test_arguments_are_a_json_object():
    assert arguments(b"") == {}
    assert arguments(b'{"a": 1}') == {"a": 1}
    for wrong in (b"[]", b"1", b"{"):
        with pytest.raises(ValueError, match=r"JSON|char"):
            arguments(wrong)


def test_every_tool_says_what_it_takes_and_does():
    for tool in toolbox.tools():
        shape = tool.schema()
        assert shape["description"], tool.name
        assert shape["inputSchema"]["type"] == "object"
        assert shape["inputSchema"]["additionalProperties"] is False
        assert not (tool.read_only and tool.destructive)


def test_people_say_as_which_pod_they_use_a_tool_of_pods():
    report = toolbox.find("report_status")
    assert "pod" in report.schema(for_people=True)["inputSchema"]["required"]
    assert "pod" not in report.schema()["inputSchema"]["properties"]


@pytest.mark.django_db
def test_a_person_acts_as_a_pod_that_they_manage(cast):
    bobs = make_pod(cast.organization, owner=cast.bob)
    alices = make_pod(cast.organization, owner=cast.alice)

    def as_bob(**given):
        return _run(actor_of(cast.bob), "report_status", {"status": "done"} | given)

    assert as_bob(pod=bobs.key).text == "Noted: done."
    assert Pod.objects.get(pk=bobs.pk).status == "done"
    with pytest.raises(NotAllowedError):
        as_bob(pod=alices.key)
    with pytest.raises(RefusedError):
        as_bob()
