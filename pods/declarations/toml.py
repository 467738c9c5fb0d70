"""A declaration as TOML for people: what has its default is left out."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pods.declarations.checking import Declaration
from pods.declarations.schema import DEFAULTS


def as_toml(declared: Declaration) -> str:
    return "\n".join(_table(_without_defaults(declared, DEFAULTS), "")).strip() + "\n"


def _without_defaults(held: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, value in _in_order(held, defaults):
        default = defaults.get(name)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            value = _without_defaults(value, default)  # noqa: PLW2901 - the same, smaller
            if not value:
                continue
        if value != default:
            kept[name] = value
    return kept


def _in_order(held: Mapping[str, Any], like: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """As documented: a database may have kept them in an order of its own."""
    known = [name for name in like if name in held]
    return [(name, held[name]) for name in [*known, *sorted(held.keys() - like.keys())]]


def _table(held: Mapping[str, Any], path: str) -> Iterator[str]:
    inner = {name: value for name, value in held.items() if isinstance(value, Mapping)}
    lists = {name: value for name, value in held.items() if _is_list_of_tables(value)}
    for name, value in held.items():
        if name not in inner and name not in lists:
            yield f"{_name(name)} = {_value(value)}"
    for name, value in inner.items():
        full = f"{path}{_name(name)}"
        yield from ("", f"[{full}]", *_table(value, f"{full}."))
    for name, values in lists.items():
        for value in values:
            yield from ("", f"[[{path}{_name(name)}]]", *_table(value, f"{path}{_name(name)}."))


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _name(name: str) -> str:
    bare = name.replace("_", "").replace("-", "")
    return name if bare.isascii() and bare.isalnum() else _quoted(name)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _block(value) if "\n" in value else _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)


def _block(text: str) -> str:
    plain = "'''" not in text and all(c in "\n\t" or c.isprintable() for c in text)
    return f"'''\n{text}'''" if plain and not text.endswith("'") else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
