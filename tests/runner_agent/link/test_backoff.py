"""How long a Runner waits before it dials again."""

from hypothesis import given
from hypothesis import strategies as st

from runner_agent.link.backoff import Backoff

CHANCES = st.floats(0, 1, exclude_max=True)


@given(st.lists(CHANCES, min_size=1, max_size=12))
def test_each_wait_is_somewhere_below_a_ceiling_that_doubles_to_four_seconds(chances):
    backoff = Backoff(iter(chances).__next__)
    ceilings = [min(4.0, 0.25 * 2**n) for n in range(len(chances))]
    for chance, ceiling in zip(chances, ceilings, strict=True):
        assert backoff.next() == chance * ceiling


def test_a_connection_that_held_half_a_minute_makes_the_next_failure_the_first():
    backoff = Backoff(lambda: 0.5)
    waits = [backoff.next() for _ in range(8)]
    assert waits[-1] == 2.0
    backoff.held(29.9)
    assert backoff.next() == 2.0
    backoff.held(30.0)
    assert backoff.next() == 0.125
