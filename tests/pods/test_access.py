"""Who may read, type into and manage what."""

from typing import Any

import pytest

from accounts.access import actor_for_token
from accounts.actor import Actor, Scope
from accounts.models import Role
from pods import access
from pods.access import Need, pod_for
from pods.errors import NotAllowedError, NotVisibleError
from pods.models import Pod
from tests.builders import Cast, actor_of, make_pod, make_runner, make_token, make_user

pytestmark = pytest.mark.django_db

NEEDS = [*Need]


def may(actor: Actor, pod: Pod, need: Need) -> bool | None:
    """True, False, or None if it is not even visible."""
    try:
        return pod_for(actor, pod.key, need) == pod
    except NotAllowedError:
        return False
    except NotVisibleError:
        return None


def test_a_member_reads_all_and_types_into_and_manages_their_own(cast: Cast) -> None:
    own = make_pod(cast.organization, owner=cast.bob)
    others = make_pod(cast.organization, owner=cast.alice)
    bob = actor_of(cast.bob)
    assert [may(bob, own, need) for need in NEEDS] == [True, True, True]
    assert [may(bob, others, need) for need in NEEDS] == [True, False, False]


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_owners_and_admins_manage_all(cast: Cast, role: Role) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    eve = actor_of(make_user("eve", organization=cast.organization, role=role))
    assert [may(eve, pod, need) for need in NEEDS] == [True, True, True]


def test_a_viewer_only_reads_even_what_was_theirs(cast: Cast) -> None:
    eve = make_user("eve", organization=cast.organization, role=Role.VIEWER)
    pod = make_pod(cast.organization, owner=eve)
    assert [may(actor_of(eve), pod, need) for need in NEEDS] == [True, False, False]


def test_a_stranger_sees_nothing(cast: Cast) -> None:
    pod = make_pod(cast.organization, owner=cast.bob)
    charlie = actor_of(cast.charlie)
    assert [may(charlie, pod, need) for need in NEEDS] == [None, None, None]
    assert not access.pods_for(charlie).exists()
    assert not access.may_see_terminal(charlie, pod)
    assert not access.may_type(charlie, pod)


@pytest.mark.parametrize(
    ("need", "scope"),
    [
        (Need.READ, Scope.PODS_READ),
        (Need.TYPE, Scope.TERMINAL_WRITE),
        (Need.MANAGE, Scope.PODS_WRITE),
    ],
)
def test_a_token_needs_the_scope_of_what_it_does(cast: Cast, need: Need, scope: Scope) -> None:
    pod = make_pod(cast.organization, owner=cast.alice)
    every_other = set(Scope) - {scope}
    assert may(actor_for_token(make_token(cast.alice, scopes=[scope])), pod, need)
    assert not may(actor_for_token(make_token(cast.alice, scopes=every_other)), pod, need)


def test_a_look_at_a_terminal_is_one_query_and_knows_the_runner(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    pod = make_pod(cast.organization, runner=make_runner(cast.organization))
    bob = actor_of(cast.bob)
    with django_assert_num_queries(1):
        assert access.terminal_for(bob, pod.key).runner == pod.runner


def test_a_terminal_is_read_with_its_own_scope(cast: Cast) -> None:
    pod = make_pod(cast.organization, owner=cast.alice)
    reader = actor_for_token(make_token(cast.alice, scopes=[Scope.TERMINAL_READ]))
    assert access.terminal_for(reader, pod.key) == pod
    with pytest.raises(NotAllowedError):
        access.terminal_for(actor_for_token(make_token(cast.bob, scopes=["pods:read"])), pod.key)


def test_a_pod_reaches_itself_and_its_descendants(cast: Cast) -> None:
    root = make_pod(cast.organization, owner=cast.bob)
    child = make_pod(cast.organization, owner=cast.bob, parent=root)
    grandchild = make_pod(cast.organization, owner=cast.bob, parent=child)
    sibling = make_pod(cast.organization, owner=cast.bob)
    actor = access.actor_for_pod(child)
    assert may(actor, child, Need.MANAGE)
    assert may(actor, grandchild, Need.TYPE)
    assert may(actor, root, Need.READ) is None
    assert may(actor, sibling, Need.READ) is None
    assert set(access.pods_for(actor)) == {child, grandchild}


def test_only_admins_with_the_scope_manage_runners(cast: Cast) -> None:
    runner = make_runner(cast.organization)
    assert access.runner_for(actor_of(cast.alice), runner.pk, Need.MANAGE) == runner
    assert access.runner_for(actor_of(cast.bob), runner.pk) == runner
    narrow = actor_for_token(make_token(cast.alice, scopes=[Scope.PODS_WRITE, Scope.PODS_READ]))
    for actor in (actor_of(cast.bob), narrow):
        with pytest.raises(NotAllowedError):
            access.runner_for(actor, runner.pk, Need.MANAGE)
    with pytest.raises(NotVisibleError):
        access.runner_for(actor_of(cast.charlie), runner.pk)
