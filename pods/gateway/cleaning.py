"""Judging what a stranger sent: text, JSON and screens come out clean and small, or not at all."""

import json
import re
import uuid
from typing import Any, NoReturn

SCREEN_MAX = RESULT_MAX = 64 * 1024  # bytes of JSON
SIDE_MAX = 1000  # columns or rows
INT_MAX = 2**63 - 1  # what a column takes

_KEY = re.compile(r"[a-z0-9-]{1,32}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # not tab, not newline
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")  # PostgreSQL takes neither NUL nor lone surrogates


class MalformedError(Exception):
    """What the Runner sent cannot be what it claims to be; the message says why."""


def last_screen(raw: bytes) -> dict[str, Any] | None:
    """An end is believed without its screen."""
    try:
        return clean_screen(raw) if raw else None
    except MalformedError:
        return None


def clean_screen(raw: bytes) -> dict[str, Any]:
    """Only what a screen has, each of its kind."""
    found = json_object(raw, SCREEN_MAX)
    kinds = {"text": str, "title": str, "bracketed_paste": bool, "echo": bool}
    numbers = {"cols": SIDE_MAX, "rows": SIDE_MAX, "offset": INT_MAX}
    screen: dict[str, Any] = {
        name: found[name] for name, kind in kinds.items() if isinstance(found.get(name), kind)
    }
    screen |= {
        name: found[name] for name, most in numbers.items() if is_number(found.get(name), most)
    }
    match found.get("cursor"):
        case [x, y] if is_number(x, SIDE_MAX) and is_number(y, SIDE_MAX):
            screen["cursor"] = [x, y]
    if "text" not in screen:
        raise MalformedError("a screen without text")
    return screen


def is_number(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def json_object(raw: bytes, most: int) -> dict[str, Any]:
    if len(raw) > most:
        raise MalformedError(f"JSON of {len(raw)} bytes")
    try:
        value = _cleaned(json.loads(raw, parse_constant=_refuse_constant))
    except (ValueError, RecursionError) as error:
        raise MalformedError("JSON that cannot be read") from error
    if not isinstance(value, dict):
        raise MalformedError("JSON that is not an object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and the infinities: no database takes them


def _cleaned(value: Any) -> Any:
    """Without what no database takes: NUL, lone surrogates, numbers beyond 64 bits."""
    match value:
        case str():
            return _UNSTORABLE.sub("\ufffd", value)
        case list():
            return [_cleaned(item) for item in value]
        case dict():
            return {_cleaned(name): _cleaned(item) for name, item in value.items()}
        case int() if abs(value) > INT_MAX:
            raise ValueError("a number beyond 64 bits")
        case float() if value in {float("inf"), float("-inf")}:
            raise ValueError("a number without end")  # 1e999
        case _:
            return value


def clean(text: str, most: int) -> str:
    """One line, without control characters."""
    return " ".join(_CONTROL.sub("", text).split())[:most]


def paragraphs(text: str, most: int) -> str:
    """Lines and tabs stay."""
    return _CONTROL.sub("", text).strip()[:most]


def pod_key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise MalformedError("a Pod's key that is none")
    return text


def command_id(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise MalformedError("a Command's id that is none") from error
