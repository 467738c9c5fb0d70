"""The shape of a declaration: its sections and keys, what each may hold, and what it is when left out."""

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

PERMISSIONS = ("ask", "edit", "auto", "bypass")  # from the most careful to the most trusting
PROVIDERS = {  # with their names
    "anthropic": "Anthropic",
    "openai": "OpenAI",
    "google": "Google",
    "other": "Another one",
}
SOURCES = ("hook", "title", "osc", "screen")
USAGE_KINDS = ("claude", "codex", "gemini", "opencode", "aider", "none")

TEXT_MAX = 64 * 1024
LIST_MAX = 256
MS_MAX = 60_000


@dataclass(frozen=True, slots=True)
class Problem:
    """`key` is where, such as `launch.argv`; `text` a sentence that says what is wrong and the cure."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}" if self.key else self.text


@dataclass(slots=True)
class Problems:
    found: list[Problem] = field(default_factory=list)

    def add(self, key: str, text: str) -> None:
        self.found.append(Problem(key, text))


Read = Callable[[Any, str, Problems], Any]


@dataclass(frozen=True, slots=True)
class Key:
    read: Read
    default: Any = ""


# ---- Values


def text(value: Any, key: str, problems: Problems) -> str:
    if not isinstance(value, str):
        problems.add(key, f"Give text in quotes, not {_kind(value)}.")
    elif "\0" in value:
        problems.add(key, "Leave out the NUL character.")
    elif len(value) > TEXT_MAX:
        problems.add(key, f"At most {TEXT_MAX} characters.")
    else:
        return value
    return ""


def choice(*words: str) -> Read:
    def read(value: Any, key: str, problems: Problems) -> str:
        if value in words:
            return str(value)
        problems.add(key, f"Give one of {', '.join(words)}.{_nearest(value, words)}")
        return words[-1]

    return read


def yes_or_no(value: Any, key: str, problems: Problems) -> bool:
    if not isinstance(value, bool):
        problems.add(key, f"Give true or false, not {_kind(value)}.")
        return False
    return value


def milliseconds(value: Any, key: str, problems: Problems) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MS_MAX:
        problems.add(key, f"Give a whole number of milliseconds from 0 to {MS_MAX}.")
        return 0
    return value


def pattern(value: Any, key: str, problems: Problems) -> str:
    given = text(value, key, problems)
    try:
        re.compile(given)
    except re.error as error:
        problems.add(key, f"This is not a regular expression: {error}.")
        return ""
    return given


def mode(value: Any, key: str, problems: Problems) -> str:
    if isinstance(value, str) and re.fullmatch(r"0?[0-7]{3}", value):
        return value.zfill(4)
    problems.add(key, 'Give the mode as octal digits in quotes, such as "0600".')
    return "0600"


def variable(value: Any, key: str, problems: Problems) -> str:
    """The name of an environment variable, or nothing."""
    given = text(value, key, problems)
    if given and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", given):
        problems.add(key, "Name an environment variable: letters, digits and _.")
        return ""
    return given


def list_of(read: Read) -> Read:
    def read_list(value: Any, key: str, problems: Problems) -> list[Any]:
        if not isinstance(value, list):
            problems.add(key, f"Give a list in [brackets], not {_kind(value)}.")
            return []
        if len(value) > LIST_MAX:
            problems.add(key, f"At most {LIST_MAX} entries.")
        return [read(one, f"{key}[{at}]", problems) for at, one in enumerate(value[:LIST_MAX])]

    return read_list


def table_of(read: Read, names: Collection[str] = ()) -> Read:
    """`names`: the only ones there are; none: any."""

    def read_table(value: Any, key: str, problems: Problems) -> dict[str, Any]:
        if not is_table(value, key, problems):
            return {}
        known = {name: held for name, held in value.items() if not names or name in names}
        for name in value.keys() - known.keys():
            problems.add(f"{key}.{name}", f"There is no such key.{_nearest(name, names)}")
        return {name: read(held, f"{key}.{name}", problems) for name, held in known.items()}

    return read_table


def variables(value: Any, key: str, problems: Problems) -> str | dict[str, str]:
    """One variable, or one for each provider."""
    if isinstance(value, Mapping):
        named: dict[str, str] = table_of(variable, PROVIDERS)(value, key, problems)
        return named
    return variable(value, key, problems)


def section(keys: Mapping[str, Key]) -> Read:
    def read_section(value: Any, key: str, problems: Problems) -> dict[str, Any]:
        held = value if is_table(value, key, problems) else {}
        before = f"{key}." if key else ""
        for name in held.keys() - keys.keys():
            problems.add(f"{before}{name}", f"There is no such key.{_nearest(name, keys)}")
        return {
            name: one.read(held[name], f"{before}{name}", problems)
            if name in held
            else default_of(one)
            for name, one in keys.items()
        }

    return read_section


def default_of(key: Key) -> Any:
    return key.default() if callable(key.default) else key.default


def sub(keys: Mapping[str, Key]) -> Key:
    """A table that may be left out: then every key of it has its default."""
    return Key(section(keys), lambda: {name: default_of(key) for name, key in keys.items()})


def is_table(value: Any, key: str, problems: Problems) -> bool:
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return True
    problems.add(key, f"Give a table, not {_kind(value)}.")
    return False


def _kind(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "a table" if isinstance(value, Mapping) else "that")


def _nearest(given: Any, known: Collection[str]) -> str:
    close = difflib.get_close_matches(str(given), list(known), 1)
    if close:
        return f" Did you mean {close[0]}?"
    return f" Known are {', '.join(known)}." if 0 < len(known) <= len("abcdefgh") else ""
