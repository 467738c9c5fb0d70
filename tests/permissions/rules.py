"""What each may do, by what an operation needs: one row of verdicts a need."""

from collections.abc import Set

from tests.permissions.world import Asker, Person, Verdict

_MARKS = {"+": Verdict.ALLOWED, "-": Verdict.REFUSED, "0": Verdict.ABSENT}


def _row(marks: str) -> dict[Person, Verdict]:
    """In the order of Person: owner, admin, member whose it is, other member, viewer, stranger."""
    return {who: _MARKS[mark] for who, mark in zip(Person, marks, strict=True)}


PEOPLE = {
    "list": _row("++++++"),  # of the caller's own Organization
    "make": _row("++++-+"),
    "make for all": _row("++---+"),  # the stranger owns the other Organization
    "read": _row("+++++0"),
    "drive": _row("+++--0"),  # a Pod, and what belongs to it
    "drive another's": _row("++-+-0"),
    "change": _row("++++-0"),  # what any member may change
    "manage": _row("++---0"),  # what is the Organization's
    "manage or oneself": _row("++-+-0"),  # the one named is the other member
    "its person": _row("00+000"),
    "closed": _row("+++000"),  # a Channel the other member and the viewer are not in
    "its author": _row("--+--0"),
    "its author, closed": _row("--+000"),
}

_DRIVERS = frozenset({Asker.ITSELF, Asker.PARENT, Asker.WRITER})
_READERS = _DRIVERS | {Asker.READER}


def _pods(allowed: Set[Asker], refused: Set[Asker] = frozenset()) -> dict[Asker, Verdict]:
    """Who is in neither finds nothing."""
    found = dict.fromkeys(Asker, Verdict.ABSENT)
    found |= dict.fromkeys(refused, Verdict.REFUSED)
    return found | dict.fromkeys(allowed, Verdict.ALLOWED)


_OURS = frozenset(Asker) - {Asker.STRANGER_POD}

PODS = {
    "anybody": _pods(frozenset(Asker)),
    "anybody of ours": _pods(_OURS),
    "read": _pods(_READERS),
    "drive": _pods(_DRIVERS, {Asker.READER}),
    "answer": _pods({Asker.ITSELF}, {Asker.SIBLING}),  # who asked sees it
    "release": _pods({Asker.ITSELF, Asker.READER}),
    "closed": _pods({Asker.ITSELF}),
}
