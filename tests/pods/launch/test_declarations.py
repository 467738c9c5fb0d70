"""What an agent type declares: read, judged with cause and cure, written out again, resolved."""

from pathlib import Path
from typing import Any

import pytest

from pods import declarations
from pods.declarations import ChoiceError, Choices, DeclarationError, resolve

FILES = sorted(Path(declarations.__file__).parent.parent.joinpath("agent_types").glob("*.toml"))
SMALLEST = 'slug = "a"\nname = "A"\n'

AGENT = """
slug = "agent"
name = "Agent"
[install]
kind = "npm"
package = "agent"
version = "1.2.3"
tested = ">=1.2,<1.3"
program = "agent"
[launch]
argv = ["agent", "{options}", "start", "{session}"]
resume = ["agent", "resume", "{session}"]
env = { QUIET = "1" }
[launch.permissions]
ask = { argv = ["--ask"] }
bypass = { argv = ["--yes"], env = { QUIET = "2", FREE = "1" } }
[launch.model]
argv = ["-m", "{model}"]
[credentials]
api_key = { openai = "OPENAI_API_KEY", anthropic = "ANTHROPIC_API_KEY" }
base_url = "AGENT_URL"
login = [".agent/auth.json"]
"""


def problems(text: str) -> dict[str, str]:
    with pytest.raises(DeclarationError) as error:
        declarations.from_toml(text)
    return {each.key: each.text for each in error.value.problems}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_built_in_one_is_sound_and_is_the_same_after_it_was_written_out(path: Path) -> None:
    declared = declarations.from_toml(path.read_text())
    assert declared["slug"] == path.stem
    assert declarations.from_toml(declarations.as_toml(declared)) == declared


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_built_in_one_keeps_secrets_off_command_lines(path: Path) -> None:
    launch = declarations.from_toml(path.read_text())["launch"]
    extras = [*launch["permissions"].values(), launch["model"], launch]
    lines = [extra["argv"] for extra in extras]
    lines += [launch["resume"], launch["fork"], launch["before_fork"]]
    assert not [word for line in lines for word in line if "secret" in word]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_built_in_version_is_one_that_was_tested(path: Path) -> None:
    install = declarations.from_toml(path.read_text())["install"]
    if install["tested"]:
        assert declarations.is_within(install["version"], install["tested"])


def test_what_is_left_out_has_its_default() -> None:
    declared = declarations.from_toml(SMALLEST)
    assert declared["install"]["kind"] == "none"
    assert declared["prompt"] == {
        "pause_ms": 200,
        "submit": "\r",
        "verify": [],
        "resend_ms": 1500,
    }
    assert declared["interrupt"] == {"keys": "\x1b"}
    assert declarations.as_toml(declared) == SMALLEST


def test_it_is_written_out_in_the_documented_order_whatever_order_it_was_kept_in() -> None:
    declared = declarations.from_toml(AGENT)
    shuffled = {name: declared[name] for name in sorted(declared, reverse=True)}
    assert declarations.as_toml(shuffled) == declarations.as_toml(declared)


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("slug = ", "", "This is not TOML"),
        ('slug = 1\nname = "A"', "slug", "Give text in quotes, not a number."),
        ('slug = "A b"\nname = "A"', "slug", "small letters"),
        ('slug = "a"', "name", "the name people read"),
        (f'{SMALLEST}[lanch]\nargv = ["a"]', "lanch", "Did you mean launch?"),
        (f"{SMALLEST}[install]\nkind = 'nmp'", "install.kind", "Did you mean npm?"),
        (
            f"{SMALLEST}[install]\nkind = 'npm'\nprogram = 'a'",
            "install.package",
            "Name the package",
        ),
        (
            f"{SMALLEST}[install]\nkind = 'pip'\npackage = 'a'",
            "install.program",
            "Name the program",
        ),
        (f"{SMALLEST}[install]\nprogram = '/bin/a'", "install.program", "without a directory"),
        (f"{SMALLEST}[install]\ntested = 'new'", "install.tested", "Give a range"),
        (f"{SMALLEST}[install]\nversion = '^1'", "install.version", "Give a version"),
        (f"{SMALLEST}[install]\nchecksum = 'x'", "install.checksum", "sha512-"),
        (f"{SMALLEST}[launch]\nargv = 'a b'", "launch.argv", "Give a list"),
        (f"{SMALLEST}[launch]\nargv = ['a', 1]", "launch.argv[1]", "not a number"),
        (f"{SMALLEST}[launch]\nargv = ['a', '{{sesion}}']", "launch.argv", "{session}"),
        (f"{SMALLEST}[launch]\nargv = ['a', '{{secret:api_key}}']", "launch.argv", "seen by all"),
        (
            f"{SMALLEST}[launch]\nbefore_fork = ['{{forked_hom}}']",
            "launch.before_fork",
            "forked_home",
        ),
        (f"{SMALLEST}[launch]\nbefore_fork = ['{{secret:api_key}}']", "launch.before_fork", "seen"),
        (f"{SMALLEST}[launch.env]\nK = '{{secret:key}}'", "launch.env.K", "There is no secret"),
        (f"{SMALLEST}[launch.permissions]\nyolo = {{}}", "launch.permissions.yolo", "ask, edit"),
        (f"{SMALLEST}[[files]]\npath = '{{workspace}}/x'", "files[0].path", "stays clean"),
        (f"{SMALLEST}[[files]]\npath = '{{home}}/../x'", "files[0].path", "stays clean"),
        (
            f"{SMALLEST}[[files]]\npath='{{home}}/x'\nmode='0644'\ncontent='{{secret:api_key}}'",
            "files[0].mode",
            "0600",
        ),
        (f"{SMALLEST}[[status]]\nsource='hook'\nstate='idle'", "status[0].event", "Name the hook"),
        (f"{SMALLEST}[[status]]\nsource='title'\nstate='idle'", "status[0].match", "regular"),
        (f"{SMALLEST}[ready]\ntitle = '('", "ready.title", "not a regular expression"),
        (f"{SMALLEST}[prompt]\npause_ms = -1", "prompt.pause_ms", "milliseconds"),
        (f"{SMALLEST}[credentials]\napi_key = 'A-B'", "credentials.api_key", "variable"),
    ],
)
def test_what_is_wrong_is_said_with_its_key_and_the_cure(text: str, key: str, said: str) -> None:
    assert said in problems(text)[key]


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = 'slug = 1\nname = 2\n[launch]\nargv = "a"\nenv = { A = 1 }'
    assert problems(wrong).keys() == {"slug", "name", "launch.argv", "launch.env.A"}


def test_braces_that_are_no_placeholders_are_left_alone() -> None:
    text = f"{SMALLEST}[launch]\nargv = ['awk', '{{print}}', '{{\"a\": 1}}']"
    assert declarations.from_toml(text)["launch"]["argv"][1] == "{print}"


@pytest.mark.parametrize("given", [None, [], "text", {"slug": {"a": 1}}, {1: 2}])
def test_json_that_is_no_declaration_is_refused(given: Any) -> None:
    with pytest.raises(DeclarationError):
        declarations.from_json(given)


# ---- Resolving


def resolved(**chosen: Any) -> dict[str, Any]:
    return resolve(declarations.from_toml(AGENT), Choices(**chosen))


def test_the_words_of_what_is_chosen_go_where_options_stands_else_to_the_end() -> None:
    launch = resolved(permissions="ask", model="big")["launch"]
    assert launch["argv"] == ["agent", "--ask", "-m", "{model}", "start", "{session}"]
    assert launch["resume"] == ["agent", "resume", "{session}", "--ask", "-m", "{model}"]
    assert launch["fork"] == []


def test_what_runs_before_a_fork_has_no_words_for_what_is_chosen() -> None:
    declared = declarations.from_toml(AGENT.replace("env = {", 'before_fork = ["fit"]\nenv = {', 1))
    assert resolve(declared, Choices(permissions="ask"))["launch"]["before_fork"] == ["fit"]
    del declared["launch"]["before_fork"]  # kept by a Mesh that did not know it
    assert resolve(declared, Choices())["launch"]["before_fork"] == []


def test_nothing_chosen_adds_no_word() -> None:
    assert resolved()["launch"]["argv"] == ["agent", "start", "{session}"]


def test_the_environment_of_a_mode_goes_over_the_common_one() -> None:
    assert resolved(permissions="bypass")["launch"]["env"] == {"QUIET": "2", "FREE": "1"}


def test_a_key_becomes_the_variable_of_its_provider() -> None:
    assert resolved(provider="anthropic")["credentials"] == {
        "api_key": "ANTHROPIC_API_KEY",
        "base_url": "AGENT_URL",
        "login": [".agent/auth.json"],
    }
    assert resolved(provider="google")["credentials"]["api_key"] == ""


@pytest.mark.parametrize(
    ("chosen", "field", "said"),
    [
        ({"permissions": "edit"}, "permissions", "choose one of ask, bypass"),
        ({"version": "latest!"}, "version", "Give one version"),
    ],
)
def test_what_it_does_not_have_is_refused_with_what_there_is(
    chosen: dict[str, str], field: str, said: str
) -> None:
    with pytest.raises(ChoiceError, match=said) as error:
        resolved(**chosen)
    assert error.value.field == field


@pytest.mark.parametrize("choice", ["permissions", "model", "version"])
def test_a_type_without_a_choice_says_to_leave_it_out(choice: str) -> None:
    with pytest.raises(ChoiceError, match="out"):
        resolve(declarations.from_toml(SMALLEST), Choices(**{choice: "1.0"}))


def test_a_chosen_version_takes_the_place_of_the_declared_one() -> None:
    assert resolved(version="1.2.9")["install"]["version"] == "1.2.9"


@pytest.mark.parametrize(
    ("version", "tested", "within"),
    [
        ("2.1.330", ">=2.1.197,<2.2", True),
        ("2.2.0", ">=2.1.197,<2.2", False),
        ("2.1.99", ">=2.1.197", False),
        ("1.18.33-beta.1", ">=1.18", True),
        ("3", "==3.0.0", True),
        ("anything", "", True),
    ],
)
def test_a_version_is_within_a_range_by_its_numbers(
    version: str, tested: str, within: bool
) -> None:
    assert declarations.is_within(version, tested) is within
