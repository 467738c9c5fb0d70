"""Who finds, reads, writes and keeps a Channel; and that Organizations do not meet."""

import pytest

from accounts.access import actor_for_token
from accounts.actor import Scope
from accounts.models import Role
from channels_app.access import Need, channel_for, channels_for
from channels_app.models import Mention
from channels_app.services import channels, messages, presence
from pods.access import actor_for_pod
from pods.errors import ConflictError, NotAllowedError, NotVisibleError, RefusedError
from tests.builders import actor_of, make_pod, make_token, make_user
from tests.channels_app.rooms import make_channel, pod_in

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def may(actor, slug, need):
    """True, False, or None if it is not even visible."""
    try:
        channel_for(actor, slug, need)
    except NotAllowedError:
        return False
    except NotVisibleError:
        return None
    return True


def all_needs(actor, slug="plans"):
    return [may(actor, slug, need) for need in (Need.READ, Need.POST, Need.MANAGE)]


def test_all_of_the_organization_read_and_post_in_a_public_channel(cast):
    make_channel(cast)
    eve = actor_of(make_user("eve", organization=cast.organization))
    viewer = actor_of(make_user("vera", organization=cast.organization, role=Role.VIEWER))
    pod = actor_for_pod(make_pod(cast.organization, owner=cast.bob))
    assert all_needs(actor_of(cast.bob)) == [True, True, True]
    assert all_needs(actor_of(cast.alice)) == [True, True, True]
    assert all_needs(eve) == [True, True, False]
    assert all_needs(viewer) == [True, False, False]
    assert all_needs(pod) == [True, True, False]


def test_a_private_channel_is_there_for_its_members_and_admins_alone(cast):
    room = make_channel(cast, is_private=True)
    eve = actor_of(make_user("eve", organization=cast.organization))
    outside = actor_for_pod(make_pod(cast.organization, owner=cast.bob))
    _, inside = pod_in(room, cast)
    assert all_needs(eve) == [None, None, None]
    assert all_needs(outside) == [None, None, None]
    assert all_needs(inside) == [True, True, False]
    assert all_needs(actor_of(cast.alice)) == [True, True, True]
    assert list(presence.rooms_of(eve)) == []
    channels.leave(room, by=inside)
    assert all_needs(inside) == [None, None, None]


def test_a_pod_manages_the_channel_it_made(cast):
    actor = actor_for_pod(make_pod(cast.organization, owner=cast.bob))
    channels.create_channel(by=actor, name="Mine!")
    assert all_needs(actor, "mine") == [True, True, True]
    assert all_needs(actor_of(make_user("eve", organization=cast.organization)), "mine")[2] is False


def test_the_scopes_of_a_token_bound_what_it_may(cast):
    make_channel(cast)
    reader = actor_for_token(make_token(cast.bob, scopes=[Scope.CHANNELS_READ]))
    other = actor_for_token(make_token(cast.bob, scopes=set(Scope) - {Scope.CHANNELS_READ}))
    assert all_needs(reader) == [True, False, False]
    assert all_needs(other) == [None, None, None]


def test_two_organizations_have_their_own_channels_of_one_name(cast):
    ours = make_channel(cast)
    theirs = channels.create_channel(by=actor_of(cast.charlie), name="plans")
    messages.post(ours, by=actor_of(cast.bob), body="ours")
    assert channel_for(actor_of(cast.charlie), "plans", Need.READ) == theirs
    assert list(channels_for(actor_of(cast.charlie))) == [theirs]
    assert messages.after(theirs, 0) == []
    with pytest.raises(ConflictError):
        make_channel(cast)


def test_nobody_of_another_organization_becomes_a_member_or_is_called(cast):
    room = make_channel(cast)
    their_pod = make_pod(cast.stranger, owner=cast.charlie, name="builder")
    with pytest.raises(RefusedError):
        channels.add_person(room, cast.charlie, by=actor_of(cast.bob))
    with pytest.raises(RefusedError):
        channels.add_pod(room, their_pod, by=actor_of(cast.bob))
    messages.post(room, by=actor_of(cast.bob), body=f"@charlie @{their_pod.key} @builder look")
    assert not Mention.objects.exists()


def test_a_private_channel_calls_its_members_only(cast):
    room = make_channel(cast, is_private=True)
    inside, _ = pod_in(room, cast, name="inside")
    outside = make_pod(cast.organization, owner=cast.bob, name="outside")
    body = f"@alice @inside @outside @{outside.key} @{inside.key}"
    messages.post(room, by=actor_of(cast.bob), body=body)
    assert [mention.pod for mention in Mention.objects.all()] == [inside]


def test_a_pods_name_calls_it_where_it_is_a_member(cast):
    room = make_channel(cast)
    pod_in(room, cast, name="planner")
    make_pod(cast.organization, owner=cast.alice, name="planner")  # another of that name
    elsewhere = make_pod(cast.organization, owner=cast.alice)
    body = f"@planner and @{elsewhere.key} and @alice and @nobody"
    messages.post(room, by=actor_of(cast.bob), body=body)
    called = {
        str(mention.user or mention.pod.name or mention.pod.key)
        for mention in Mention.objects.all()
    }
    assert called == {"planner", elsewhere.key, "alice"}


def test_unread_counts_are_each_members_own(cast):
    room = make_channel(cast)
    _, pod = pod_in(room, cast)
    messages.post(room, by=actor_of(cast.bob), body="one")
    unread = [presence.rooms_of(who).get().unread for who in (actor_of(cast.bob), pod)]
    assert unread == [0, 1]
    assert presence.rooms_of(actor_of(cast.alice)).get().unread is None


def test_a_person_finds_where_they_were_called_until_they_read_it(cast):
    room = make_channel(cast)
    messages.post(room, by=actor_of(cast.bob), body="@alice look")
    waiting = presence.unread_mentions(cast.alice.pk, cast.organization.pk)
    assert [mention.message.number for mention in waiting] == [1]
    channels.join(room, by=actor_of(cast.alice))
    assert not presence.unread_mentions(cast.alice.pk, cast.organization.pk)
