"""What a viewer typed, until the PTY has it: nothing twice, nothing lost in silence."""

from hypothesis import given
from hypothesis import strategies as st

from pods.terminals import typed
from pods.terminals.typed import Typed


class Host:
    """Takes what it does not know yet, as a Pod's host does."""

    def __init__(self) -> None:
        self.got = bytearray()

    def take(self, position: int, data: bytes) -> int:
        if position <= len(self.got):
            self.got += data[len(self.got) - position :]
        return len(self.got)


def test_what_is_typed_is_sent_once() -> None:
    mine = Typed()
    assert mine.add(None, b"ab") == ""
    assert list(mine.due()) == [(0, b"ab")]
    assert list(mine.due()) == []


def test_after_a_new_link_what_is_not_confirmed_is_sent_again() -> None:
    mine = Typed()
    mine.add(None, b"ab")
    mine.add(None, b"cd")
    list(mine.due())
    mine.confirm(2, 0)
    mine.rewind()
    assert list(mine.due()) == [(2, b"cd")]


def test_what_is_known_is_dropped_and_a_jump_is_refused() -> None:
    mine = Typed()
    assert mine.add(10, b"ab") == ""
    assert mine.add(11, b"bc") == ""
    assert mine.add(14, b"x") == "gap"
    assert list(mine.due()) == [(10, b"ab"), (12, b"c")]


def test_a_client_that_comes_back_learns_what_was_taken_meanwhile() -> None:
    mine = Typed()
    mine.add(5, b"old")
    list(mine.due())
    mine.confirm(20, 0)
    assert mine.add(8, b"x" * 12) == ""
    assert mine.add(20, b"new") == ""
    assert list(mine.due()) == [(20, b"new")]


def test_no_more_is_under_way_than_its_window() -> None:
    mine = Typed()
    mine.add(None, b"x" * 640_000)
    first = sum(len(data) for _, data in mine.due())
    assert typed.WINDOW // 2 <= first <= typed.WINDOW
    mine.confirm(first, 0)
    assert sum(len(data) for _, data in mine.due()) > 0


def test_too_much_is_refused_and_nothing_of_it_is_kept() -> None:
    mine = Typed()
    assert mine.add(None, b"x" * typed.AHEAD) == ""
    assert mine.add(None, b"y") == "busy"
    assert mine.end == typed.AHEAD


def test_after_a_refusal_typing_goes_on_where_it_was_refused() -> None:
    mine = Typed()
    mine.add(None, b"ab")
    mine.add(None, b"cd")
    list(mine.due())
    mine.confirm(2, 0)
    assert mine.drop(2) == 2
    mine.add(None, b"ef")
    assert list(mine.due()) == [(2, b"ef")]


def test_a_runner_that_lost_something_hears_it_again_but_not_all_the_time() -> None:
    mine = Typed()
    mine.add(None, b"abc")
    list(mine.due())
    assert not mine.confirm(0, now=10.0)
    assert list(mine.due()) == [(0, b"abc")]
    assert mine.confirm(0, now=10.5)
    assert list(mine.due()) == []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("type"), st.integers(1, 100_000)),
        st.tuples(st.just("deliver"), st.integers(1, 5)),
        st.tuples(st.just("break"), st.just(0)),
    )
)


@given(STEPS)
def test_whatever_breaks_the_pty_gets_it_all_once(steps: list[tuple[str, int]]) -> None:
    mine, host, said = Typed(), Host(), bytearray()
    way: list[tuple[int, bytes]] = []
    for name, n in [*steps, ("break", 0), ("deliver", 10_000)]:
        if name == "type":
            data = bytes(i % 251 for i in range(n))
            if mine.add(None, data) == "":
                said += data
        elif name == "break":
            way.clear()
            mine.rewind()
        for _ in range(n if name == "deliver" else 0):
            way += mine.due()
            if not way:
                break
            mine.confirm(host.take(*way.pop(0)), 0)
    assert host.got == said
