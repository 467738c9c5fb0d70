"""What an agent type declares, as it comes resolved with a start: how to install, launch, read and drive the agent.

No value here is a secret: those are named by `{secret:…}` and filled into the Pod's environment or its private files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Self, get_args, get_origin

from runner_agent.messages import CommandError

INSTALL_KINDS = ("npm", "pip", "command", "none")
STATES = ("working", "waiting", "idle")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")  # it becomes a directory name
_INSTALL_WORDS = {
    "package": re.compile(r"(@[\w.~-]+/)?[A-Za-z0-9][\w.~-]*(\[[\w,.-]+\])?"),
    "version": re.compile(r"[\dA-Za-z<>=][\dA-Za-z.+<>=!, -]*"),
    "program": re.compile(r"[A-Za-z0-9][\w.+-]*"),
    "node": re.compile(r"\d{1,3}"),
    "mirror": re.compile(r"(/|https?://)\S+"),
}
_NOT_VARIABLES = ("login", "variables")


@dataclass(frozen=True, slots=True)
class Install:
    """`version` is an exact one; a `program` on the PATH counts when it has it, or lies in the range `tested`.

    `checksum`: "sha512-…" as npm writes it, or "sha256:…" of the archive. `mirror`: a directory or a URL.
    """

    kind: str = "none"
    package: str = ""
    version: str = ""
    tested: str = ""
    program: str = ""
    node: str = ""
    checksum: str = ""
    mirror: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LaunchWords:
    """The command lines and the environment, with the words of the chosen permissions and model in them.

    `before_fork` is run once before `fork`, where that will run.
    """

    argv: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    fork: tuple[str, ...] = ()
    before_fork: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlacedFile:
    path: str = ""
    content: str = ""
    mode: str = "0600"


@dataclass(frozen=True, slots=True)
class Credentials:
    """`variables`: which environment variable a part of a credential set becomes. `login`: files below the
    HOME of the Runner's user."""

    variables: dict[str, str] = field(default_factory=dict)
    login: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolsRule:
    kind: str = "command"
    ready: str = "none"


@dataclass(frozen=True, slots=True)
class ReadyRule:
    """Whichever of these is declared must hold; nothing declared: when its Terminal is quiet."""

    paste: bool = False
    hook: str = ""
    title: str = ""
    screen: str = ""

    @property
    def is_declared(self) -> bool:
        return self != ReadyRule()


@dataclass(frozen=True, slots=True)
class PromptRule:
    pause_ms: int = 300
    submit: str = "\r"
    verify: tuple[str, ...] = ()
    resend_ms: int = 1500


@dataclass(frozen=True, slots=True)
class StatusRule:
    """`source`: "hook", "title", "osc" or "screen". `event` names a hook; `match` is a regular expression; `text` and
    `session` are templates of the hook's fields. On a screen that matched `options` finds the numbered answers, and
    `always` the one that allows for good."""

    source: str = ""
    state: str = ""
    event: str = ""
    match: str = ""
    text: str = ""
    session: str = ""
    options: str = ""
    always: str = ""


@dataclass(frozen=True, slots=True)
class AnswerKeys:
    """`option` is typed for a numbered answer, `words` before an answer in words; `{option}` is its number, in `words`
    that of the place after the last option. `next` goes on from options that are only ticked."""

    allow: str = ""
    allow_always: str = ""
    deny: str = ""
    option: str = "{option}"
    words: str = ""
    next: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    keys: str = ""


@dataclass(frozen=True, slots=True)
class UsageRule:
    """`kind` names a reader; "none": the agent keeps no such records."""

    kind: str = "none"
    path: str = ""


@dataclass(frozen=True, slots=True)
class AgentSpec:
    slug: str
    name: str = ""
    install: Install = field(default_factory=Install)
    launch: LaunchWords = field(default_factory=LaunchWords)
    files: tuple[PlacedFile, ...] = ()
    credentials: Credentials = field(default_factory=Credentials)
    tools: ToolsRule = field(default_factory=ToolsRule)
    ready: ReadyRule = field(default_factory=ReadyRule)
    prompt: PromptRule = field(default_factory=PromptRule)
    status: tuple[StatusRule, ...] = ()
    answers: AnswerKeys = field(default_factory=AnswerKeys)
    interrupt: Keys = field(default_factory=lambda: Keys("\x1b"))
    usage: UsageRule = field(default_factory=UsageRule)
    exit: Keys = field(default_factory=Keys)

    @classmethod
    def from_payload(cls, held: Mapping[str, Any]) -> Self:
        """CommandError bad_payload for what cannot be followed; unknown keys are of a newer server."""
        spec: Self = _read(cls, _with_variables(held), "agent")
        _check(spec)
        return spec


def _with_variables(held: Mapping[str, Any]) -> Mapping[str, Any]:
    """Every other entry of `credentials` names a variable; a Record has them as `variables` already."""
    if not isinstance(held, Mapping):
        raise _bad("agent is a table")
    given = held.get("credentials")
    if not isinstance(given, Mapping) or "variables" in given:
        return held
    named = {part: name for part, name in given.items() if part not in _NOT_VARIABLES and name}
    return {**held, "credentials": {"login": given.get("login"), "variables": named}}


def _read(kind: Any, held: Any, where: str) -> Any:
    if not isinstance(held, Mapping):
        raise _bad(f"{where} is a table")
    given = {f.name: f.type for f in fields(kind) if held.get(f.name) is not None}
    try:
        return kind(**{n: _value(t, held[n], f"{where}.{n}") for n, t in given.items()})
    except TypeError as error:  # a field without a default is missing
        raise _bad(f"{where}: {error}") from error


def _value(kind: Any, held: Any, where: str) -> Any:
    if is_dataclass(kind):
        return _read(kind, held, where)
    if get_origin(kind) is tuple:
        if not isinstance(held, (list, tuple)):
            raise _bad(f"{where} is a list")
        return tuple(_value(get_args(kind)[0], one, where) for one in held)
    if get_origin(kind) is dict:
        if not isinstance(held, Mapping):
            raise _bad(f"{where} is a table")
        return {str(name): _value(str, one, f"{where}.{name}") for name, one in held.items()}
    if not isinstance(held, kind) or (kind is int and isinstance(held, bool)):
        raise _bad(f"{where} is {held!r}, which is no {kind.__name__}")
    if isinstance(held, str) and "\0" in held:
        raise _bad(f"{where} holds a NUL")
    return held


def _check(spec: AgentSpec) -> None:
    if not _SLUG.match(spec.slug):
        raise _bad(f"{spec.slug!r} is no slug")
    _check_install(spec.install)
    for placed in spec.files:
        if not re.fullmatch(r"0?[0-7]{3}", placed.mode):
            raise _bad(f"{placed.path} has the mode {placed.mode!r}")
    for rule in spec.status:
        if rule.state not in STATES:
            raise _bad(f"a status rule says {rule.state!r}; there are {', '.join(STATES)}")
    _check_patterns(spec.ready.title, spec.ready.screen)
    for rule in spec.status:
        _check_patterns(rule.match, rule.options, rule.always)


def _check_install(install: Install) -> None:
    """What becomes a word of an installer's command line, or a file's name, is nothing else."""
    if install.kind not in INSTALL_KINDS:
        raise _bad(f"install.kind is one of {', '.join(INSTALL_KINDS)}")
    for name, pattern in _INSTALL_WORDS.items():
        value = getattr(install, name)
        if value and not pattern.fullmatch(value):
            raise _bad(f"install.{name} cannot be {value!r}")


def _check_patterns(*patterns: str) -> None:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise _bad(f"{pattern!r} is no regular expression: {error}") from error


def _bad(what: str) -> CommandError:
    return CommandError("bad_payload", f"This agent type cannot be understood: {what}.")
