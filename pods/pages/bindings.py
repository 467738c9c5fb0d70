"""Who may watch or drive a Pod's terminal, and whom it may; and who typed what."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.pages.frame import PageRequest, done, page
from pods.access import (
    Need,
    askable_pod,
    binding_for,
    bindings_for,
    may_manage,
    pod_for,
    pods_for,
    terminal_for,
)
from pods.bindings import OPEN
from pods.lifecycle import ENDED
from pods.models import Binding, InputRecord
from pods.services import bindings as services

OTHERS_OFFERED = 100
RECORDS_SHOWN = 60

VERBS: dict[str, tuple[Callable[..., Binding], str]] = {
    "accept": (services.accept_binding, "{holder} may now {what} {target}."),
    "reject": (services.reject_binding, "{holder} was refused."),
    "release": (services.release_binding, "{holder} can no longer {what} {target}."),
}


@page
def bindings(request: PageRequest, key: str) -> HttpResponse:
    pod = pod_for(request.actor, key, Need.READ)
    found = bindings_for(request.actor).touching(pod.pk).filter(state__in=OPEN).order_by("pk")
    told = [(each, _may_act(request, each)) for each in found]
    may_request = may_manage(request.actor, pod) and pod.state not in ENDED
    others = pods_for(request.actor).live().exclude(pk=pod.pk).order_by("-pk")
    context = {
        "pod": pod,
        "children": pod.children.order_by("pk")[:20],
        "on_it": [(each, may) for each, may in told if each.target_id == pod.pk],
        "held": [(each, may) for each, may in told if each.holder_id == pod.pk],
        "may_request": may_request,
        "others": list(others[:OTHERS_OFFERED]) if may_request else [],
    }
    return render(request, "pods/bindings.html", context)


def _may_act(request: PageRequest, binding: Binding) -> bool:
    """Answer a request as who manages its target; release as who manages either."""
    manages_target = may_manage(request.actor, binding.target)
    if binding.state == "requested":
        return manages_target
    return manages_target or may_manage(request.actor, binding.holder)


@require_POST
@page
def act(request: PageRequest, binding_id: int, verb: str) -> HttpResponse:
    service, said = VERBS[verb]
    binding = service(binding_for(request.actor, binding_id), by=request.actor)
    words = said.format(
        holder=binding.holder,
        target=binding.target,
        what="type into" if binding.can_write else "watch",
    )
    return done(request, to=reverse("pod", args=[binding.target.key]), said=words, changed="pod")


@require_POST
@page
def request_one(request: PageRequest, key: str) -> HttpResponse:
    holder = pod_for(request.actor, key, Need.MANAGE)
    target = askable_pod(request.actor, request.POST.get("target", ""))
    binding = services.request_binding(
        holder, target, by=request.actor, scopes=request.POST.get("scopes", "").split()
    )
    waits = f"{target} or who answers for it decides."
    said = waits if binding.state == "requested" else f"{holder} may watch {target} now."
    return done(request, to=reverse("pod", args=[key]), said=said, changed="pod")


# ---- Who typed what


@dataclass(frozen=True, slots=True)
class Typed:
    """A burst as the page shows it."""

    record: InputRecord

    @property
    def shown(self) -> str:
        return in_words(self.record.text)


@page
def typed(request: PageRequest, key: str) -> HttpResponse:
    pod = terminal_for(request.actor, key)
    newest = list(pod.input_records.order_by("-offset", "-pk")[: RECORDS_SHOWN + 1])
    context = {
        "pod": pod,
        "records": [Typed(record) for record in newest[:RECORDS_SHOWN]],
        "has_more": len(newest) > RECORDS_SHOWN,
    }
    return render(request, "pods/typed.html", context)


_NAMED = {
    "\r": " ⏎",
    "\t": " ⇥",
    "\x7f": " ⌫",
    "\x1b[A": " ↑",
    "\x1b[B": " ↓",
    "\x1b[C": " →",
    "\x1b[D": " ←",
    "\x1b[200~": "⟨paste ",
    "\x1b[201~": "⟩",
    "\x1b": " Esc",
}
_KEYS = re.compile("|".join(map(re.escape, _NAMED)) + r"|[\x00-\x09\x0b-\x1f]")


def in_words(text: str) -> str:
    """Typed bytes with keys by their signs, as `ls ⏎` or `Ctrl-C`."""
    return _KEYS.sub(
        lambda key: _NAMED.get(key[0]) or f" Ctrl-{chr(ord(key[0]) + 64)}", text
    ).strip()
