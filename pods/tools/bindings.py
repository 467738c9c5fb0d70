"""Tools on Bindings: ask to watch or drive another agent's terminal, and answer those who ask."""

from typing import Any, Literal

from pydantic import Field

from accounts.actor import Actor
from pods.access import Need, askable_pod, binding_for, bindings_for, pod_for
from pods.bindings import OPEN
from pods.models import Binding
from pods.services import bindings
from pods.toolbox import Arguments, Outcome, tool
from pods.tools.pods import Key, own_key

SHOWN_MAX = 200


class CreateBinding(Arguments):
    target: Key
    scopes: list[Literal["terminal:read", "terminal:write"]] = Field(
        min_length=1, max_length=2, description="To watch, or to type as well."
    )
    reason: str = Field("", max_length=bindings.REASON_MAX, description="Shown to who decides.")


class OneBinding(Arguments):
    binding: int = Field(ge=1, lt=2**63, description="Its id; see list_bindings.")


class Answered(OneBinding):
    answer: str = Field("", max_length=bindings.REASON_MAX, description="A word on why.")


class ListBindings(Arguments):
    open: bool = Field(default=True, description="Only requested and active ones.")
    pod: str = Field("", max_length=32, description="Only those of this Pod.")


def shown(binding: Binding) -> dict[str, Any]:
    """A Binding as tools tell of it."""
    return {
        "id": binding.pk,
        "holder": binding.holder.key,
        "target": binding.target.key,
        "scopes": binding.scopes,
        "state": binding.state,
        "reason": binding.reason,
        "answer": binding.answer,
        "decided_by": binding.decided_by,
        "expires_at": binding.expires_at.isoformat(),
    }


def line(binding: Binding) -> str:
    may = "watch and drive" if binding.can_write else "watch"
    said = f" ({binding.answer or binding.reason})" if binding.answer or binding.reason else ""
    return (
        f"{binding.pk}: {binding.holder.key} to {may} {binding.target.key}, {binding.state}{said}"
    )


@tool(CreateBinding, acts_as_pod=True)
def create_binding(actor: Actor, asked: CreateBinding) -> Outcome:
    """Ask to watch another agent's terminal, or to type into it. Active at once, or when its side accepts."""
    holder = pod_for(actor, own_key(actor), Need.MANAGE)
    target = askable_pod(actor, asked.target)
    binding = bindings.request_binding(
        holder, target, by=actor, scopes=asked.scopes, reason=asked.reason
    )
    return _told(binding)


@tool(OneBinding)
def accept_binding(actor: Actor, asked: OneBinding) -> Outcome:
    """Let another agent watch, or drive, your terminal. Not an answer to your user's questions."""
    return _told(bindings.accept_binding(binding_for(actor, asked.binding), by=actor))


@tool(Answered)
def reject_binding(actor: Actor, asked: Answered) -> Outcome:
    """Refuse another agent's request to watch, or drive, your terminal."""
    binding = binding_for(actor, asked.binding)
    return _told(bindings.reject_binding(binding, by=actor, answer=asked.answer))


@tool(Answered)
def release_binding(actor: Actor, asked: Answered) -> Outcome:
    """End a Binding, yours on another's terminal or another's on yours."""
    binding = binding_for(actor, asked.binding)
    return _told(bindings.release_binding(binding, by=actor, answer=asked.answer))


@tool(ListBindings, read_only=True)
def list_bindings(actor: Actor, asked: ListBindings) -> Outcome:
    """Who may watch or drive whom: the Bindings you hold, and those on your own terminal."""
    found = bindings_for(actor).order_by("-pk")
    if asked.open:
        found = found.filter(state__in=OPEN)
    if asked.pod:
        found = found.touching(pod_for(actor, asked.pod, Need.READ).pk)
    some = list(found[:SHOWN_MAX])
    return Outcome(
        {"bindings": [shown(each) for each in some]}, "\n".join(map(line, some)) or "No Bindings."
    )


def _told(binding: Binding) -> Outcome:
    return Outcome(shown(binding), f"Binding {line(binding)}.")
