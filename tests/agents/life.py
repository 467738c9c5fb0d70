"""The life of each real program in a Pod, step by step, against the fake model. Run by `make test-agents`, in this order."""

import os
import re
import secrets
from pathlib import Path

import pytest

from tests.agents import searching
from tests.agents.driven import INSTALLED_WITHIN
from tests.agents.programs import (
    AGAIN,
    AGAIN_LINE,
    ASK,
    COPY,
    COPY_LINE,
    HELLO,
    HELLO_OUT,
    RECALL,
    SHELL,
    SHELL_LINE,
    SLOW,
    TOOL,
    UNASKED,
    UNASKED_LINE,
)
from tests.journeys.system import wait

pytestmark = pytest.mark.timeout(600)
TRIES = int(os.environ.get("AGENT_TRIES", "2"))
EASILY_MISTYPED = {
    "lines": "three lines:\n\n    the second is indented\n  - the third is a list\n\nend",
    "5 kB": "\n".join(f"row {n:03} abcdefghijklmnopqrstuvwxyz 0123456789" for n in range(120)),
    "CJK": "日本語とハングル 한국어, 中文: é ü ß ñ, 👩‍💻 and ½",
    "quotes": """it's "quoted" `code` $(not run) ${HOME} \\n \\\\ %s {x} [y] <z> & | ; # * ? ~ ^""",
    "end of paste": "before \x1b[201~ after\x1b[31m red\r\nnext",
}


@pytest.fixture(autouse=True)
def settled(request, driven):
    if "is_installed" not in request.node.name:
        driven.settle()


def test_it_is_installed_and_started_and_told_its_first_prompt(driven):
    driven.becomes("running", within=INSTALLED_WITHIN)
    request = driven.asked(lambda text: HELLO in text, within=120)
    assert driven.words(request) == driven.first
    assert request.key == driven.api_key


def test_its_work_is_seen_and_its_rest_with_evidence(driven):
    driven.is_seen("idle")
    (first,) = driven.api.get(f"pods/{driven.key}/prompts/")["results"]
    done = driven.prompt_is(first["id"], "started", "done")
    assert [each["step"] for each in done["receipts"]][-3:] == ["typed", "submitted", "started"]
    again = driven.prompt(f"{HELLO} once more")
    assert driven.is_seen("working")["agent_state"] == "working"
    driven.is_seen("idle")
    driven.prompt_is(again, "started", "done")


def test_nothing_of_ours_is_in_the_repository(driven):
    assert driven.git_status() == ""
    assert driven.api.get(f"pods/{driven.key}/workspace/?refresh=1")["dirty"] is False


def test_it_calls_our_tool_and_its_model_reads_the_result(driven):
    driven.prompt(f"{TOOL} make a channel")
    if not driven.program.has_tools:
        for asked in ("Run shell command", "Add command output"):
            wait(lambda a=asked: a in (driven.pod["question"] or {}).get("text", ""), driven.told)
            driven.answer("allow")
        driven.is_seen("idle")
        driven.prompt(f"{RECALL} what it said")
        request = driven.asked(lambda text: f"{RECALL} what it said" in text)
        assert any(driven.program.room in said for said in request.asked.said[1:])
    else:
        request = driven.models.wait_for(lambda r: TOOL in r.asked.last and r.asked.rounds == 1)
        assert driven.program.room in request.asked.result
    rooms = [room["slug"] for room in driven.api.get("channels/")["results"]]
    assert driven.program.room in rooms
    driven.is_seen("idle")


def test_a_permission_that_it_asks_for_is_shown_and_answered_by_rest(driven):
    driven.prompt(f"{SHELL} make a file")
    assert {"allow", "deny"} <= set(_asks(driven, SHELL_LINE)["choices"])
    _let(driven, SHELL_LINE.split()[-1])


def _let(driven, made: str) -> None:
    """Allow what it asks for; it makes a file of this name."""
    driven.answer("allow")
    wait(lambda: driven.api.execute(driven.key, f"test -e {made}")["exit_code"] == 0, driven.told)
    if not driven.program.has_tools:  # it asks a second thing
        wait(
            lambda: (
                "Add command output" in (driven.pod["question"] or {}).get("text", "")
                or driven.pod["agent_state"] == "idle"
            ),
            driven.told,
        )
        if driven.pod["question"]:
            driven.answer("deny")
    driven.is_seen("idle")


@pytest.mark.of("has_tools")
def test_what_it_is_allowed_for_good_it_does_not_ask_again(driven):
    driven.prompt(f"{AGAIN} the first time")
    _asks(driven, AGAIN_LINE)
    wait(lambda: "allow_always" in (driven.pod["question"] or {})["choices"], driven.told)
    driven.answer("allow_always")
    driven.is_seen("idle")
    driven.prompt(f"{AGAIN} the second time")
    driven.models.wait_for(lambda r: "the second time" in r.asked.last and r.asked.rounds == 1)
    driven.is_seen("idle")


@pytest.mark.of("question")
def test_a_question_with_options_is_answered_by_label(driven):
    driven.prompt(f"{ASK} what I like")
    driven.is_seen("waiting")
    options = wait(lambda: (driven.pod["question"] or {}).get("options"), driven.told)
    assert [each["label"] for each in options] == ["Red", "Blue"]
    assert driven.pod["question"]["text"] == "Which color do you prefer?"
    driven.answer("Blue")
    request = driven.models.wait_for(lambda r: ASK in r.asked.last and r.asked.rounds == 1)
    assert "Blue" in request.asked.result
    driven.is_seen("idle")


def test_its_usage_is_read_from_its_own_records(driven):
    usage = wait(lambda: driven.pod["usage"], driven.told)
    assert usage["input"] > 0
    assert usage["output"] > 0


def test_an_interrupt_is_noticed(driven):
    driven.prompt(f"{SLOW} tell a long story")
    driven.asked(lambda text: SLOW in text)
    driven.is_seen("working")
    driven.api.post(f"pods/{driven.key}/interrupt/")
    driven.is_seen("idle", within=15)


@pytest.mark.parametrize("name", EASILY_MISTYPED)
def test_a_text_that_is_easily_mistyped_reaches_the_model_unchanged(driven, name):
    """One try after the other, each queued behind the last."""
    texts = [f"Note {name} {number}: {EASILY_MISTYPED[name]}" for number in range(TRIES)]
    prompts = [driven.prompt(text) for text in texts]
    for number, text in enumerate(texts):
        head = f"Note {name} {number}:"
        request = driven.asked(lambda said, h=head: said.lstrip().startswith(h), within=90)
        assert driven.words(request) == _as_text(text)
    for prompt in prompts:
        driven.prompt_is(prompt, "started", "submitted", "done")
    driven.is_seen("idle")


def _as_text(text: str) -> str:
    """Control characters press keys; they are no part of a text."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text.replace("\r\n", "\n"))


def test_a_copy_of_it_goes_on_by_itself_in_a_workspace_of_its_own(driven):
    original, told = driven.pod, f"{RECALL} what we both know"
    with driven.forked(told):
        driven.becomes("running")
        assert _recalls(driven, told)
        driven.is_seen("idle")
        pod = driven.pod
        assert pod["forked_from"] == original["key"]
        assert pod["workspace"]["path"] != original["workspace"]["path"]
        driven.prompt(f"{COPY} make a file")
        _asks(driven, COPY_LINE)
        made = COPY_LINE.split()[-1]
        _let(driven, made)
        assert not (Path(original["workspace"]["path"]) / made).exists()
        assert wait(lambda: driven.pod["usage"], driven.told)["output"] < HELLO_OUT
    asked = f"{RECALL} what I alone know"
    driven.prompt(asked)
    request = driven.asked(lambda text: asked in text)
    assert not any(told in said or COPY in said for said in request.asked.said)
    driven.is_seen("idle")


def test_a_copy_is_copied_and_goes_on_with_what_it_was_told(driven):
    with driven.forked(f"{RECALL} in the copy"):
        _goes_on(driven, f"{RECALL} in the copy")
        with driven.forked(f"{RECALL} in the copy of the copy"):
            _goes_on(driven, f"{RECALL} in the copy of the copy")
        driven.end()
        asked_before = len(driven.models.requests)
        driven.resume(f"{RECALL} in the copy that goes on")
        _goes_on(driven, f"{RECALL} in the copy that goes on", asked_before)


def _goes_on(driven, told: str, since: int = 0) -> None:
    driven.becomes("running")
    assert _recalls(driven, told, since)
    driven.is_seen("idle")


def _recalls(driven, told: str, since: int = 0) -> bool:
    """Whether what it was told first is known to it when it is told this."""
    request = driven.asked(lambda text: told in text, within=120)
    heard = driven.models.requests[since:] if driven.program.sums_up else [request]
    return any(HELLO in said for each in heard for said in each.asked.said)


def test_its_key_is_in_its_own_processes_alone(driven):
    homes = _runner(driven) / "homes" / driven.key
    token = (homes / ".mesh" / "token").read_text().strip()
    for secret in (driven.api_key, token):
        assert searching.command_lines_with(secret) == []
        for environment in searching.environments_with(secret):
            assert f"MESH_POD={driven.key}".encode() in environment
        private = [path for path in _found(driven, secret) if driven.key not in Path(path).parts]
        assert private == []
    for path in _found(driven, driven.api_key):
        assert (driven.system.directory / path).stat().st_mode & 0o077 == 0


def test_after_its_end_nothing_secret_is_left(driven):
    homes = _runner(driven) / "homes" / driven.key
    token = (homes / ".mesh" / "token").read_text().strip()
    driven.end()
    for secret in (driven.api_key, token):
        wait(lambda s=secret: not _found(driven, s), lambda s=secret: str(_found(driven, s)))
        assert searching.command_lines_with(secret) == []
        assert searching.environments_with(secret) == []


def test_it_goes_on_with_the_same_conversation(driven):
    driven.end()
    ended = driven.pod
    asked_before = len(driven.models.requests)
    before = driven.resume(f"{RECALL} what I told you first")
    driven.becomes("running")
    assert _recalls(driven, f"{RECALL} what I told you first", asked_before)
    driven.is_seen("idle")
    pod = driven.pod
    assert pod["resumed_from"] == before
    assert pod["conversation"] == ended["conversation"]
    assert pod["workspace"]["path"] == ended["workspace"]["path"]
    driven.end()
    wait(lambda: not _found(driven, driven.api_key), lambda: str(_found(driven, driven.api_key)))


@pytest.mark.of("has_tools")
def test_with_bypass_it_does_what_its_model_wants_unasked(driven):
    driven.create_with_bypass(f"{UNASKED} make a file")
    driven.becomes("running")
    made = f"test -e {UNASKED_LINE.split()[-1]}"
    wait(lambda: driven.api.execute(driven.key, made)["exit_code"] == 0, driven.told, 90)
    driven.is_seen("idle")
    driven.end()


@pytest.mark.of("login")
def test_the_login_of_the_runners_user_is_lent_and_taken_back(driven, user_home):
    token = f"sk-login-{secrets.token_hex(16)}"
    driven.create_with_login(f"{HELLO} with a login", token, user_home)
    driven.becomes("running")
    driven.models.wait_for(lambda r: r.key == token and "with a login" in r.asked.last, 60)
    assert _found(driven, driven.api_key) == []
    lent = _runner(driven) / "homes" / driven.key / driven.program.login.file
    assert lent.stat().st_mode & 0o777 == 0o600
    assert token in lent.read_text()
    driven.end()
    wait(lambda: not _found(driven, token), lambda: str(_found(driven, token)))


def _asks(driven, what: str) -> dict:
    """Wait until it asks about it; the question."""
    driven.is_seen("waiting")

    def look():
        question = driven.pod["question"]
        return question if question and what in question["text"] else None

    return wait(look, driven.told)


def _runner(driven) -> Path:
    (enrolled,) = driven.system.directory.rglob("enrolled.json")
    return enrolled.parent


def _found(driven, secret: str) -> list[str]:
    """In all files of this Mesh and of its Runner; what was installed from registries is not of us."""
    return searching.files_with(secret, driven.system.directory, without=("agents",))
