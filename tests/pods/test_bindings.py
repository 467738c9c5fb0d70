"""One Pod's permission to watch or drive another: its states, who decides, and how it ends."""

from datetime import timedelta

import pytest
from django.utils.timezone import now
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEvent
from accounts.policies import BindingPolicy
from pods.access import actor_for_pod
from pods.bindings import OPEN, BindingScope, BindingState, sources
from pods.errors import ConflictError, NotAllowedError, RefusedError
from pods.lifecycle import PodState
from pods.messages import PodReport
from pods.models import Binding, Pod, PodEvent
from pods.services import bindings, ends
from pods.services.pods import terminate_pod
from tests.builders import Cast, actor_of, make_pod, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

READ, WRITE = BindingScope.READ, BindingScope.WRITE


def ask(holder, target, *, scopes=(READ,), by=None):
    return bindings.request_binding(
        holder, target, by=by or actor_for_pod(holder), scopes=scopes, reason="to help"
    )


@pytest.fixture
def pair(cast: Cast) -> tuple[Pod, Pod]:
    """bob's Pod, which asks, and alice's."""
    return (
        make_pod(cast.organization, owner=cast.bob),
        make_pod(cast.organization, owner=cast.alice),
    )


def set_policy(cast, policy):
    type(cast.organization).objects.update(binding_policy=policy)
    cast.organization.refresh_from_db()


def test_between_pods_of_one_owner_it_is_active_at_once(cast):
    one, other = (make_pod(cast.organization, owner=cast.bob) for _ in range(2))
    binding = ask(one, other)
    assert (binding.state, binding.decided_by) == (BindingState.ACTIVE, "policy")


def test_pods_without_an_owner_have_no_common_one(cast):
    one, other = (make_pod(cast.organization) for _ in range(2))
    assert ask(one, other).state == BindingState.REQUESTED


@pytest.mark.parametrize("policy", [BindingPolicy.TARGET, BindingPolicy.PERSON])
def test_where_the_organization_wants_to_be_asked_it_is_asked_for_the_same_owner_too(cast, policy):
    set_policy(cast, policy)
    one, other = (make_pod(cast.organization, owner=cast.bob) for _ in range(2))
    assert ask(one, other).state == BindingState.REQUESTED


def test_a_request_is_on_record_and_in_the_targets_history(cast, pair):
    binding = ask(*pair, scopes=[WRITE])
    assert (binding.state, binding.scopes) == ("requested", ["terminal:read", "terminal:write"])
    assert AuditEvent.objects.get().action == "binding.create"
    note = PodEvent.objects.get(pod=pair[1], kind=PodEvent.Kind.NOTE)
    assert note.text == f"{pair[0].key} asks to watch and drive this Terminal."


@pytest.mark.parametrize(
    ("policy", "by_target", "by_owner"),
    [
        (BindingPolicy.SAME_OWNER, True, True),
        (BindingPolicy.TARGET, True, True),
        (BindingPolicy.PERSON, False, True),
    ],
)
def test_who_answers_is_the_organizations_choice(cast, pair, policy, by_target, by_owner):
    set_policy(cast, policy)
    answerers = [
        (actor_for_pod(pair[1]), by_target),
        (actor_of(cast.alice), by_owner),
        (actor_of(cast.bob), False),  # who asks does not answer
        (actor_for_pod(pair[0]), False),
        (actor_for_pod(make_pod(cast.organization, owner=cast.alice)), False),
    ]
    for actor, may in answerers:
        Binding.objects.all().delete()
        binding = ask(*pair)
        if may:
            assert bindings.accept_binding(binding, by=actor).state == BindingState.ACTIVE
        else:
            with pytest.raises(NotAllowedError):
                bindings.accept_binding(binding, by=actor)
            with pytest.raises(NotAllowedError):
                bindings.reject_binding(binding, by=actor)


def test_a_person_who_manages_both_pods_binds_them_at_once(cast, pair):
    binding = ask(*pair, by=actor_of(cast.alice))
    assert (binding.state, binding.decided_by) == (BindingState.ACTIVE, "alice")
    Binding.objects.all().delete()
    assert ask(*pair, by=actor_of(cast.bob)).state == BindingState.REQUESTED


def test_nobody_asks_for_the_pod_of_another(cast, pair):
    eve = actor_of(make_user("eve", organization=cast.organization))
    for by in (eve, actor_for_pod(pair[1]), actor_of(cast.charlie)):
        with pytest.raises(NotAllowedError):
            ask(*pair, by=by)


def test_it_makes_no_sense_to_itself_to_strangers_to_the_ended_or_for_nothing(cast, pair):
    one, other = pair
    with pytest.raises(RefusedError):
        ask(one, one)
    with pytest.raises(RefusedError):
        ask(one, make_pod(cast.stranger))
    with pytest.raises(RefusedError):
        ask(one, other, scopes=[])
    with pytest.raises(RefusedError):
        ask(one, other, scopes=["terminal:own"])
    with pytest.raises(ConflictError):
        ask(one, make_pod(cast.organization, state=PodState.FAILED))
    assert not Binding.objects.exists()


def test_there_is_one_open_binding_a_pair_and_direction(pair):
    one, other = pair
    first = ask(one, other)
    with pytest.raises(ConflictError):
        ask(one, other, scopes=[WRITE])
    ask(other, one)
    bindings.reject_binding(first, by=actor_for_pod(other))
    ask(one, other)


def test_either_side_releases_it_and_nobody_else(cast, pair):
    one, other = pair
    eve = actor_of(make_user("eve", organization=cast.organization))
    outside = actor_for_pod(make_pod(cast.organization, owner=cast.bob))
    for actor in (
        actor_for_pod(one),
        actor_for_pod(other),
        actor_of(cast.bob),
        actor_of(cast.alice),
    ):
        binding = ask(one, other)
        for refused in (eve, outside):
            with pytest.raises(NotAllowedError):
                bindings.release_binding(binding, by=refused)
        released = bindings.release_binding(binding, by=actor, answer="done")
        assert (released.state, released.answer) == (BindingState.RELEASED, "done")


def test_an_unanswered_request_expires_after_a_day(pair):
    binding = ask(*pair)
    assert timedelta(hours=23) < binding.expires_at - now() <= timedelta(hours=24)
    assert bindings.expire_unanswered() == 0
    Binding.objects.update(expires_at=now())
    assert bindings.expire_unanswered() == 1
    with pytest.raises(ConflictError):
        bindings.accept_binding(binding, by=actor_for_pod(pair[1]))
    assert Binding.objects.get().state == BindingState.EXPIRED


def test_an_active_one_does_not_expire(pair):
    binding = ask(*pair)
    bindings.accept_binding(binding, by=actor_for_pod(pair[1]))
    Binding.objects.update(expires_at=now())
    assert bindings.expire_unanswered() == 0


@pytest.mark.parametrize("side", [0, 1])
def test_it_ends_with_either_pod_however_that_ends(cast, pair, side):
    ended = pair[side]
    binding = ask(*pair)
    ends.has_ended(ended, PodReport(pod=ended.key, state="ended", exit_code=0))
    binding.refresh_from_db()
    assert (binding.state, binding.answer) == ("released", f"{ended.key} has ended.")


def test_it_ends_with_a_pod_that_never_started(cast):
    one = make_pod(cast.organization, owner=cast.bob)
    other = make_pod(cast.organization, owner=cast.bob, state=PodState.PENDING)
    ask(one, other)
    terminate_pod(other, by=actor_of(cast.bob))
    assert Binding.objects.get().state == BindingState.RELEASED


def test_a_lost_pod_may_come_back_to_its_bindings(pair):
    ask(*pair)
    ends.lose(pair[1], "its machine was rebooted")
    assert Binding.objects.get().state == BindingState.REQUESTED


def test_what_was_asked_for_while_a_pod_ended_is_found_later(pair):
    ask(*pair)
    Pod.objects.filter(pk=pair[0].pk).advance(PodState.COMPLETED)
    assert bindings.release_those_of_ended() == 1
    assert Binding.objects.get().state == BindingState.RELEASED


def test_each_side_is_told_once(pair):
    one, other = pair
    binding = ask(one, other)
    assert bindings.tell(one.pk) == []
    assert bindings.tell(other.pk) == [binding]
    assert bindings.tell(other.pk) == []
    bindings.accept_binding(binding, by=actor_for_pod(other))
    assert bindings.tell(one.pk) == [binding]
    assert bindings.tell(one.pk) == []
    assert bindings.tell(other.pk) == []


# ---- The states

ACTS = {
    "accept": (bindings.accept_binding, BindingState.ACTIVE),
    "reject": (bindings.reject_binding, BindingState.REJECTED),
    "release": (bindings.release_binding, BindingState.RELEASED),
}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(st.sampled_from([*ACTS, "expire", "end"]), max_size=6))
def test_only_legal_steps_are_taken_and_what_is_over_stays_over(acts, pair):
    one, other = pair
    Binding.objects.all().delete()
    binding, state = ask(one, other), BindingState.REQUESTED
    for act in acts:
        state = _state_after(act, binding, state)
        assert Binding.objects.get(pk=binding.pk).state == state


def _state_after(act, binding, state):
    """Do it, and say what the state must be by then."""
    if act == "expire":
        Binding.objects.update(expires_at=now())
        bindings.expire_unanswered()
        return BindingState.EXPIRED if state == BindingState.REQUESTED else state
    if act == "end":
        bindings.release_bindings_of(binding.holder)
        return BindingState.RELEASED if state in OPEN else state
    verb, to = ACTS[act]
    try:
        verb(binding, by=actor_for_pod(binding.target))
    except ConflictError:
        assert state not in {*sources(to), to}
        return state
    assert state in {*sources(to), to}
    return to
