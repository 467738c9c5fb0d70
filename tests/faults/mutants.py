"""Our own code with one mistake in it: the comparison after the mix must find each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults import faults
from tests.faults.faults import Fault
from tests.faults.system import Rig, copy_of_the_source


@dataclass(frozen=True)
class Mutant:
    """`changes`: what stands in the file now, exactly once, and what stands there instead."""

    name: str
    service: str
    file: str
    changes: tuple[tuple[str, str], ...]
    faults: tuple[Fault, ...]  # those that bring it to light


OWN_POSITION = Mutant(
    "a Runner that trusts its own position",
    "runner",
    "runner_agent/terminals/feed.py",
    (
        (
            "        start = host.end if asked.offset is None else asked.offset\n",
            "        start = host.end if asked.offset is None else asked.offset\n"
            "        start = max(start, _SENT.get(asked.feed, 0))\n",
        ),
        (
            "        self._sent_at = self._clock.time()\n"
            "        return Output(self.number, at, piece.data)\n",
            "        self._sent_at = self._clock.time()\n"
            "        _SENT[self.number] = self._cursor\n"
            "        return Output(self.number, at, piece.data)\n",
        ),
        ("\n\nclass Feed:\n", "\n_SENT: dict[int, int] = {}\n\n\nclass Feed:\n"),
    ),
    (faults.HELD_UP, faults.UNCONFIRMED, faults.AWAY),
)
OVERLAP = Mutant(
    "a Pod host that does not trim what overlaps",
    "pods",
    "runner_agent/podhost/inputs.py",
    (
        (
            '            data = data[accepted - position :] if position <= accepted else b""\n',
            '            data = data if position <= accepted < position + len(data) else b""\n',
        ),
    ),
    (faults.UNTOLD,),
)
DUPLICATES = Mutant(
    "a Pod host that types duplicates again",
    "pods",
    "runner_agent/podhost/inputs.py",
    (
        (
            '            data = data[accepted - position :] if position <= accepted else b""\n',
            "",
        ),
    ),
    (faults.UNCONFIRMED,),
)
TOO_EARLY = Mutant(
    "a Runner that acknowledges keystrokes before the PTY took them",
    "runner",
    "runner_agent/terminals/terminals.py",
    (
        (
            "            refused = host.type(request.data, request.writer, request.position)\n",
            "            refused = host.type(request.data, request.writer, request.position)\n"
            "            self._is_taken(\n"
            "                host, request.writer, request.position + len(request.data)\n"
            "            )\n",
        ),
    ),
    (faults.HOSTS_FROZEN,),
)
MUTANTS = (OWN_POSITION, OVERLAP, DUPLICATES, TOO_EARLY)


@contextmanager
def running(rig: Rig, mutant: Mutant, folder: Path) -> Iterator[None]:
    """Its service is the mutant's for a while. AssertionError if the source is no longer what is changed here."""
    checkout = copy_of_the_source(folder / "checkout")
    file = checkout / mutant.file
    text = file.read_text()
    for stands, instead in mutant.changes:
        found = text.count(stands)
        assert found == 1, f"{mutant.file} has {found} times:\n{stands}\nAdapt the mutant."
        text = text.replace(stands, instead)
    file.write_text(text)
    with rig.instead(mutant.service, checkout):
        yield
