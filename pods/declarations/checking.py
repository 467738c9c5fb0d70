"""A declaration as a whole: the sections it has, and what must agree between them."""

import copy
import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pods.declarations import reading
from pods.declarations.reading import Problem, Problems
from pods.declarations.schema import DEFAULTS, PRIVATE, SECTIONS
from pods.declarations.versions import is_range, is_version

Declaration = dict[str, Any]

PLACEHOLDERS = frozenset(
    (
        *("session", "resume", "home", "workspace", "files", "mcp_url", "token_file", "model"),
        *("pod", "forked_home", "forked_workspace"),
    )
)
SECRETS = frozenset(("api_key", "base_url", "pod_token"))
OPTIONS = "{options}"  # a word of its own: where the words for permissions and model go

NAME_MAX, DESCRIPTION_MAX = 80, 300
_CLOSE = 0.75  # alike enough to be a slip of the keyboard
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAMED = re.compile(r"\{([a-z_]+)\}")
_SECRET = re.compile(r"\{secret:([a-z_]*)(?:\[-\d{1,3}:\])?\}")
_CONDITION = re.compile(r"\{with(?:out)?:([a-z_]*)\}")  # of a line in a file


class DeclarationError(ValueError):
    """What keeps a declaration from being used: one problem for each place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(map(str, problems)))
        self.problems = tuple(problems)


def from_toml(text: str) -> Declaration:
    """Raises DeclarationError."""
    try:
        held = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError([Problem("", f"This is not TOML: {error}.")]) from error
    return from_json(held)


def from_json(held: Any) -> Declaration:
    """Every key filled, in the order of the documentation. Raises DeclarationError."""
    problems = Problems()
    declared: Declaration = reading.section(SECTIONS)(held, "", problems)
    if not problems.found:
        problems.found.extend(_disagreements(declared))
    if problems.found:
        raise DeclarationError(problems.found)
    return declared


def simple(
    *, slug: str, name: str, argv: Sequence[str], env: Mapping[str, str], program: str
) -> Declaration:
    """A command line and nothing more; `program` must be on the Runner's PATH. Taken as it is."""
    return {
        **copy.deepcopy(DEFAULTS),
        "slug": slug.lower().replace("_", "-").strip("-") or "agent",
        "name": name,
        "install": {**DEFAULTS["install"], "program": program},
        "launch": {**copy.deepcopy(DEFAULTS["launch"]), "argv": list(argv), "env": dict(env)},
    }


# ---- What must agree


def _disagreements(declared: Declaration) -> Iterator[Problem]:
    yield from _names(declared)
    yield from _installing(declared["install"])
    yield from _versions(declared["install"])
    yield from _launching(declared["launch"])
    yield from _placing(declared["files"])
    for at, rule in enumerate(declared["status"]):
        yield from _saying(rule, f"status[{at}]")
    yield from _unknown_placeholders(declared["usage"]["path"], "usage.path")


def _names(declared: Declaration) -> Iterator[Problem]:
    if not _SLUG.fullmatch(declared["slug"]):
        yield Problem("slug", "Give a short name of small letters, digits and -, such as my-agent.")
    if (
        not declared["name"]
        or len(declared["name"]) > NAME_MAX
        or not declared["name"].isprintable()
    ):
        yield Problem("name", f"Give the name people read: 1 to {NAME_MAX} characters on one line.")
    if len(declared["description"]) > DESCRIPTION_MAX:
        yield Problem("description", f"At most {DESCRIPTION_MAX} characters: say more elsewhere.")


def _installing(install: Mapping[str, Any]) -> Iterator[Problem]:
    kind = install["kind"]
    if kind in {"npm", "pip"} and not install["package"]:
        yield Problem("install.package", f"Name the package that {kind} installs.")
    if kind == "command" and not install["command"]:
        yield Problem("install.command", "Give the command line that installs it into $PREFIX.")
    if kind != "none" and not install["program"]:
        yield Problem("install.program", "Name the program that the package brings.")
    if "/" in install["program"]:
        yield Problem("install.program", "Give a name as on the PATH, without a directory.")


def _versions(install: Mapping[str, Any]) -> Iterator[Problem]:
    version, tested = install["version"], install["tested"]
    if version and not (is_version(version) or is_range(version)):
        yield Problem("install.version", 'Give a version such as "2.1.330", or a range.')
    if tested and not is_range(tested):
        yield Problem("install.tested", 'Give a range such as ">=2.1,<2.2".')
    if install["checksum"] and not re.fullmatch(r"sha(256|512)[-:].+", install["checksum"]):
        yield Problem("install.checksum", "Begin it with sha512- (npm) or sha256: (pip).")
    if install["node"] and not install["node"].isdigit():
        yield Problem("install.node", 'Give the major version of node alone, such as "22".')


def _launching(launch: Mapping[str, Any]) -> Iterator[Problem]:
    for key in ("argv", "resume", "fork", "before_fork"):
        yield from _command_line(launch[key], f"launch.{key}")
    yield from _environment_of(launch["env"], "launch.env")
    extras = {f"permissions.{name}": held for name, held in launch["permissions"].items()}
    for key, extra in {**extras, "model": launch["model"]}.items():
        yield from _command_line(extra["argv"], f"launch.{key}.argv")
        yield from _environment_of(extra["env"], f"launch.{key}.env")


def _command_line(words: Sequence[str], key: str) -> Iterator[Problem]:
    if words and not words[0]:
        yield Problem(key, "Its first word is the program: it cannot be empty.")
    for word in words:
        if _SECRET.search(word):
            yield Problem(key, "A command line is seen by all: give secrets in launch.env.")
        elif word != OPTIONS:
            yield from _unknown_placeholders(word, key)


def _environment_of(env: Mapping[str, str], key: str) -> Iterator[Problem]:
    for name, value in env.items():
        if not _ENV_NAME.fullmatch(name):
            yield Problem(f"{key}.{name}", "A variable's name has letters, digits and _.")
        yield from _unknown_placeholders(value, f"{key}.{name}")
        yield from _unknown_secrets(value, f"{key}.{name}")


def _placing(files: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    for at, placed in enumerate(files):
        key, path = f"files[{at}].path", placed["path"]
        if not path.startswith(("{home}/", "{files}/")) or ".." in path.split("/"):
            yield Problem(key, "Begin it with {home}/ or {files}/: the Workspace stays clean.")
        yield from _unknown_placeholders(path, key)
        yield from _unknown_secrets(placed["content"], f"files[{at}].content")
        if _SECRET.search(placed["content"]) and placed["mode"] != PRIVATE:
            yield Problem(f"files[{at}].mode", f'A file with a secret has the mode "{PRIVATE}".')


def _saying(rule: Mapping[str, Any], key: str) -> Iterator[Problem]:
    if rule["source"] == "hook" and not rule["event"]:
        yield Problem(f"{key}.event", "Name the hook that says it.")
    if rule["source"] != "hook" and not rule["match"]:
        yield Problem(f"{key}.match", f"Give a regular expression on the {rule['source']}.")


def _unknown_placeholders(text: str, key: str) -> Iterator[Problem]:
    """What looks like a mistake in one; other words in braces, such as awk's, are left as they are."""
    for name in sorted(set(_NAMED.findall(text)) - PLACEHOLDERS):
        if close := difflib.get_close_matches(name, PLACEHOLDERS, 1, _CLOSE):
            yield Problem(key, f"There is no placeholder {{{name}}}. Did you mean {{{close[0]}}}?")


def _unknown_secrets(text: str, key: str) -> Iterator[Problem]:
    named = {*_SECRET.findall(text), *_CONDITION.findall(text)}
    for name in sorted(named - SECRETS):
        yield Problem(key, f"There is no secret “{name}”; there are {', '.join(sorted(SECRETS))}.")
