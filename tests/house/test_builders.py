"""The builders themselves: what every other test stands on."""

import pytest

from pods.lifecycle import PodState
from tests import builders


@pytest.mark.parametrize("state", PodState)
def test_a_pod_can_be_made_in_every_state(db, state):
    pod = builders.make_pod(state=state)
    assert pod.state == state
    assert (pod.runner is None) == (state == PodState.PENDING)


def test_the_cast_has_two_organizations(cast):
    assert builders.actor_of(cast.alice).manages_all
    assert builders.actor_of(cast.bob).organization_id == cast.organization.pk
    assert builders.actor_of(cast.charlie).organization_id != cast.organization.pk
