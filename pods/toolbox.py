"""The table of tools agents may call: each declared once, beside the services it calls.

A tool is a function `(actor, arguments) -> Outcome | Wait`. `Wait` says: not yet; ask again when news of these
kinds comes, or after `every` seconds, until `seconds` have passed; then answer `otherwise`. So no thread ever waits.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from accounts.actor import Actor
from pods.errors import RefusedError

LONGEST_WAIT_S = 50.0  # clients give up on a call after 60 s


class Arguments(BaseModel):
    """What a tool takes. Unknown names are refused, so that a typing error is not silence."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`data` for programs, `text` for the model: short, and true to the data."""

    data: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Wait:
    """`again`: what to look at from now on; without it the tool is run again with the same arguments.

    `hint`: takes news with content; what it makes of that is the answer, and None has the tool run again.
    """

    kinds: frozenset[str]  # of news, such as "message" or "binding"
    seconds: float
    otherwise: Outcome
    every: float = 2.0  # news may be lost
    again: Callable[[], Outcome | None] | None = None
    hint: Callable[[dict[str, Any]], Outcome | None] | None = None


Run = Callable[[Actor, Any], Outcome | Wait]


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str
    arguments: type[Arguments]
    run: Run = field(repr=False)
    read_only: bool = False
    destructive: bool = False
    acts_as_pod: bool = False
    waits_for: frozenset[str] = frozenset()

    def schema(self, *, for_people: bool = False) -> dict[str, Any]:
        """As MCP lists it. People who use a tool that acts as a Pod say as which."""
        shape = dict(_schema_of(self.arguments))
        shape.pop("title", None)
        if for_people and self.acts_as_pod:
            shape["properties"] = {"pod": AS_POD, **shape.get("properties", {})}
            shape["required"] = ["pod", *shape.get("required", ())]
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": shape | {"type": "object"},
            "annotations": {
                "readOnlyHint": self.read_only,
                "destructiveHint": self.destructive,
                "openWorldHint": False,
            },
        }


AS_POD = {"type": "string", "description": "Key of a Pod of yours, as which you do this."}


@cache
def _schema_of(arguments: type[Arguments]) -> dict[str, Any]:
    return arguments.model_json_schema()


_TOOLS: dict[str, Tool] = {}


def tool(
    arguments: type[Arguments],
    *,
    read_only: bool = False,
    destructive: bool = False,
    acts_as_pod: bool = False,
    waits_for: frozenset[str] = frozenset(),
) -> Callable[[Run], Run]:
    """Declare the function a tool; its name and docstring are what agents see.

    `acts_as_pod`: the Actor it gets is always a Pod. `waits_for`: kinds of news it waits for most often, as in Wait.
    """

    def declare(run: Run) -> Run:
        name = run.__name__
        if name in _TOOLS:
            raise ValueError(f"two tools are called {name}")
        description = " ".join((run.__doc__ or "").split())
        _TOOLS[name] = Tool(
            name,
            description,
            arguments,
            run,
            read_only=read_only,
            destructive=destructive,
            acts_as_pod=acts_as_pod,
            waits_for=waits_for,
        )
        return run

    return declare


def tools() -> list[Tool]:
    """All of them, by name."""
    return [_TOOLS[name] for name in sorted(_TOOLS)]


def find(name: str) -> Tool:
    """Raises RefusedError."""
    known = _TOOLS.get(name)
    if known is None:
        raise RefusedError("unknown_tool", f"There is no tool {name}.", tools=sorted(_TOOLS))
    return known


def listing() -> bytes:
    """The list a Gateway sends to its Runners, as JSON."""
    return json.dumps([each.schema() for each in tools()]).encode()


def run_tool(actor: Actor, name: str, given: dict[str, Any]) -> Outcome | Wait:
    """Raises RefusedError for an unknown tool or arguments, and whatever MeshError the tool raises."""
    known = find(name)
    _check_text(given)
    try:
        asked = known.arguments.model_validate(given)
    except ValidationError as error:
        raise RefusedError("bad_arguments", _sentence(name, error)) from error
    return known.run(actor, asked)


def _check_text(given: dict[str, Any]) -> None:
    """No NUL and no half surrogate: not every database can keep them."""
    try:
        written = json.dumps(given, ensure_ascii=False)
        written.encode()
    except ValueError as error:
        raise RefusedError(
            "bad_arguments", "The arguments are not text that can be kept."
        ) from error
    if "\\u0000" in written:
        raise RefusedError("bad_arguments", "NUL characters cannot be kept.")


def _sentence(name: str, error: ValidationError) -> str:
    wrong = [
        f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}"
        for each in error.errors(include_url=False)
    ]
    return f"{name} cannot take this: " + "; ".join(wrong[:5]) + "."
