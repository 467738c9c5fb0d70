"""What a Pod may do with another: by descent, or as far as a Binding goes."""

from collections.abc import Callable
from typing import Any

import pytest

from pods import access
from pods.access import Need, actor_for_pod
from pods.bindings import BindingState
from pods.errors import MeshError, NotAllowedError, NotVisibleError
from pods.lifecycle import ENDED, PodState
from pods.models import Binding, Pod
from pods.services import bindings
from pods.toolbox import run_tool
from tests.builders import Cast, make_pod

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def bound(holder: Pod, target: Pod, *scopes: str, state: str = "active") -> Binding:
    actor = actor_for_pod(holder)
    binding = bindings.request_binding(holder, target, by=actor, scopes=scopes)
    if binding.state == BindingState.REQUESTED and state != "requested":
        act = bindings.reject_binding if state == "rejected" else bindings.accept_binding
        act(binding, by=actor_for_pod(target))
    if state == "released":
        bindings.release_binding(binding, by=actor)
    return binding


def _requested(caller: Pod, target: Pod) -> None:
    bound(caller, target, "terminal:write", state="requested")


CALLERS: dict[str, Callable[[Cast, Pod], Pod]] = {}


def caller(make: Callable[[Cast, Pod], Pod]) -> Callable[[Cast, Pod], Pod]:
    CALLERS[make.__name__] = make
    return make


@caller
def itself(_cast, target):
    return target


@caller
def parent(_cast, target):
    return target.parent


@caller
def grandparent(_cast, target):
    return target.parent.parent


@caller
def child(cast, target):
    return make_pod(cast.organization, owner=cast.alice, parent=target)


@caller
def sibling(cast, target):
    return make_pod(cast.organization, owner=cast.alice, parent=target.parent)


@caller
def unbound(cast, _target):
    return make_pod(cast.organization, owner=cast.bob)


@caller
def stranger(cast, _target):
    return make_pod(cast.stranger, owner=cast.charlie)


@caller
def bound_the_other_way(cast, target):
    pod = make_pod(cast.organization, owner=cast.bob)
    bound(target, pod, "terminal:write")
    return pod


def _with(*scopes: str, state: str = "active") -> Callable[[Cast, Pod], Pod]:
    def make(cast: Cast, target: Pod) -> Pod:
        pod = make_pod(cast.organization, owner=cast.bob)
        bound(pod, target, *scopes, state=state)
        return pod

    return make


CALLERS |= {
    "reader": _with("terminal:read"),
    "writer": _with("terminal:write"),
    "requested": _with("terminal:write", state="requested"),
    "rejected": _with("terminal:write", state="rejected"),
    "released": _with("terminal:write", state="released"),
}

ALL, READ_ONLY, NOTHING = (True, True, True), (True, False, False), (None, None, None)
MAY = {
    "itself": ALL,
    "parent": ALL,
    "grandparent": ALL,
    "writer": ALL,
    "reader": READ_ONLY,
    **dict.fromkeys(
        (
            "child",
            "sibling",
            "unbound",
            "stranger",
            "bound_the_other_way",
            "requested",
            "rejected",
            "released",
        ),
        NOTHING,
    ),
}


@pytest.fixture
def target(cast: Cast) -> Pod:
    """A grandchild."""
    first = make_pod(cast.organization, owner=cast.alice)
    second = make_pod(cast.organization, owner=cast.alice, parent=first)
    return make_pod(cast.organization, owner=cast.alice, parent=second)


def answer(act: Callable[[], Any]) -> bool | None:
    """True, False, or None if the Pod is not even visible."""
    try:
        act()
    except NotAllowedError:
        return False
    except NotVisibleError:
        return None
    return True


def test_every_caller_is_judged():
    assert set(MAY) == set(CALLERS)


@pytest.mark.parametrize("who", [*CALLERS])
def test_what_each_may_do_with_a_pod(cast, target, who):
    actor = actor_for_pod(CALLERS[who](cast, target))
    reads, types, manages = MAY[who]
    assert answer(lambda: access.pod_for(actor, target.key, Need.READ)) is reads
    assert answer(lambda: access.terminal_for(actor, target.key)) is reads
    assert answer(lambda: access.pod_for(actor, target.key, Need.TYPE)) is types
    assert answer(lambda: access.pod_for(actor, target.key, Need.MANAGE)) is manages
    assert (target in access.pods_for(actor)) is bool(reads)
    assert access.may_see_terminal(actor, target) is bool(reads)
    assert access.may_type(actor, target) is bool(types)
    assert access.may_manage(actor, target) is bool(manages)


TOOLS = {
    "get_pod": (0, {}),
    "list_bindings": (0, {}),
    "terminate_pod": (2, {"grace_s": 0}),
}


@pytest.mark.parametrize("who", [*CALLERS])
@pytest.mark.parametrize("name", [*TOOLS])
def test_tools_are_judged_as_everything_else(cast, target, name, who):
    actor = actor_for_pod(CALLERS[who](cast, target))
    need, given = TOOLS[name]
    assert answer(lambda: run_tool(actor, name, {"pod": target.key, **given})) is MAY[who][need]
    ended = Pod.objects.get(pk=target.pk).state in {*ENDED, PodState.STOPPING}
    assert ended is (name == "terminate_pod" and MAY[who][need] is True)


REFUSED = {
    "itself": "same_pod",
    "stranger": "no_such_pod",
    "reader": "binding_exists",
    "writer": "binding_exists",
    "requested": "binding_exists",
}


@pytest.mark.parametrize("who", [*CALLERS])
def test_anybody_of_the_organization_may_ask_for_a_binding(cast, target, who):
    actor = actor_for_pod(CALLERS[who](cast, target))
    wanted = {"target": target.key, "scopes": ["terminal:read"]}
    if who in REFUSED:
        with pytest.raises(MeshError) as error:
            run_tool(actor, "create_binding", wanted)
        assert error.value.code == REFUSED[who]
    else:
        run_tool(actor, "create_binding", wanted)
        assert Binding.objects.filter(holder_id=actor.pod_id, target=target).exists()


def test_nobody_asks_in_the_name_of_another_pod(cast, target):
    unbound = actor_for_pod(make_pod(cast.organization, owner=cast.bob))
    bait = make_pod(cast.organization, owner=cast.alice)
    for actor in (unbound, actor_for_pod(target.parent)):  # nor a parent for its child
        wanted = {"pod": target.key, "target": bait.key, "scopes": ["terminal:write"]}
        with pytest.raises(MeshError):
            run_tool(actor, "create_binding", wanted)
    assert not Binding.objects.exists()


def test_a_pod_sees_its_own_bindings_and_no_others(cast, target):
    one, other = (make_pod(cast.organization, owner=cast.bob) for _ in range(2))
    binding = bound(one, target, "terminal:read")
    for pod, sees in ((one, True), (target, True), (other, None)):
        actor = actor_for_pod(pod)
        assert answer(lambda: access.binding_for(actor, binding.pk)) is sees  # noqa: B023
        assert (binding in access.bindings_for(actor)) is bool(sees)
