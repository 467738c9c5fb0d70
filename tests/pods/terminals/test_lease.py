"""The control lease: who may type, and who sets the size."""

from hypothesis import given
from hypothesis import strategies as st

from pods.lease import GRACE_S, IDLE_S, Lease, Writer

ALICE, BOB = Writer("person", "1", "alice"), Writer("person", "2", "bob")
SCRIPT, OTHER = Writer("token", "1", "script"), Writer("token", "2", "other")
AGENT = Writer("pod", "9", "agent")


def held_by(writer: Writer, viewer: str = "v1") -> Lease:
    lease = Lease()
    lease.join(viewer, writer, 0)
    assert lease.type(writer, viewer, 0)
    return lease


def test_the_first_to_type_takes_it() -> None:
    lease = held_by(ALICE)
    assert lease.holder == ALICE
    assert not lease.type(BOB, "v2", 1)
    assert lease.holder == ALICE


def test_the_holder_may_type_in_each_of_its_tabs() -> None:
    lease = held_by(ALICE)
    assert lease.type(ALICE, "v2", 1)
    assert lease.viewer == "v2"
    assert lease.number == 1


def test_a_person_may_take_over_from_anybody() -> None:
    for holder in (BOB, SCRIPT, AGENT):
        lease = held_by(holder)
        assert lease.take(ALICE, "v2", 1)
        assert not lease.type(holder, "v1", 2)


def test_a_program_never_takes_over_from_a_person_who_is_here() -> None:
    lease = held_by(ALICE)
    for program in (SCRIPT, AGENT):
        assert not lease.take(program, "v2", 1)
        assert not lease.type(program, "v2", 10_000)
    assert lease.holder == ALICE


def test_a_program_may_take_over_from_a_program() -> None:
    lease = held_by(SCRIPT)
    assert not lease.type(OTHER, "v2", 1)
    assert lease.take(OTHER, "v2", 1)


def test_a_program_that_is_idle_keeps_nobody_out() -> None:
    lease = held_by(SCRIPT)
    assert not lease.type(BOB, "v2", IDLE_S - 1)
    assert lease.type(BOB, "v2", IDLE_S)


def test_it_lasts_a_moment_after_its_holders_last_viewer() -> None:
    lease = held_by(ALICE)
    lease.join("v2", ALICE, 0)
    lease.leave("v1", 100)
    assert lease.lapses_at() == float("inf")
    lease.leave("v2", 200)
    assert not lease.type(BOB, "v3", 200 + GRACE_S - 1)
    assert not lease.lapse(200 + GRACE_S - 1)
    assert lease.lapse(200 + GRACE_S)
    assert lease.holder is None


def test_a_holder_that_comes_back_in_time_keeps_it() -> None:
    lease = held_by(ALICE)
    lease.leave("v1", 0)
    lease.join("v2", ALICE, GRACE_S - 1)
    assert not lease.type(BOB, "v3", 10 * GRACE_S)


def test_one_who_types_without_a_viewer_keeps_it_for_a_moment() -> None:
    lease = Lease()
    assert lease.type(SCRIPT, "", 0)
    assert not lease.type(OTHER, "", GRACE_S - 1)
    assert lease.type(OTHER, "", GRACE_S)


def test_only_its_holder_lets_go() -> None:
    lease = held_by(ALICE)
    assert not lease.release(BOB, 1)
    assert lease.release(ALICE, 1)
    assert lease.type(BOB, "v2", 1)


def test_the_size_is_set_where_the_holder_typed_last() -> None:
    lease = held_by(ALICE)
    lease.join("v2", ALICE, 0)
    assert lease.may_resize(ALICE, "v1", 1)
    assert not lease.may_resize(ALICE, "v2", 1)
    assert not lease.may_resize(BOB, "v3", 1)
    lease.leave("v1", 2)
    assert lease.may_resize(ALICE, "v2", 3)


def test_while_nobody_holds_it_anybody_sets_the_size() -> None:
    assert Lease().may_resize(BOB, "v1", 0)


ACTS = st.tuples(
    st.sampled_from(["join", "leave", "type", "take", "release", "lapse"]),
    st.sampled_from([ALICE, BOB, SCRIPT, AGENT]),
    st.sampled_from(["v1", "v2", ""]),
    st.floats(0, 40),
)


@given(st.lists(ACTS))
def test_each_new_holder_has_a_new_number(acts: list[tuple[str, Writer, str, float]]) -> None:
    lease, now = Lease(), 0.0
    for act, writer, viewer, passed in acts:
        now += passed
        before = (lease.holder, lease.number)
        match act:
            case "join":
                lease.join(viewer, writer, now)
            case "leave":
                lease.leave(viewer, now)
            case "type":
                assert lease.type(writer, viewer, now) == (lease.holder == writer)
            case "take":
                assert lease.take(writer, viewer, now) == (lease.holder == writer)
            case "release":
                lease.release(writer, now)
            case "lapse":
                lease.lapse(now)
        assert (lease.number == before[1]) == (lease.holder == before[0])
