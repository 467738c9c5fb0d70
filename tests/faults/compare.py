"""After the mix: what was written, typed, done and said, against what arrived."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.faults.patient import Patient
from tests.faults.programs import writer
from tests.faults.seats import Page, Seat
from tests.faults.system import Rig

NEVER = {"503", "409", "expired", "cancelled"}  # told so, a command was not done


@dataclass
class Told:
    """What clients of the system did and were told."""

    pods: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # key: seed, blocks, size
    seats: list[Seat] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    executes: dict[str, tuple[str, str]] = field(default_factory=dict)  # id: Pod, outcome
    channel: str = ""
    said: list[str] = field(default_factory=list)  # messages that were accepted
    heard: list[list[tuple[int, str]]] = field(default_factory=list)  # by reader: number, text
    shorts: dict[str, str] = field(default_factory=dict)  # name: Pod that runs once
    happened: list[str] = field(default_factory=list)  # faults

    def whole(self, key: str) -> bytes:
        """All that this Pod's program writes."""
        return writer.expected(*self.pods[key])


class Comparison:
    """`run` raises AssertionError saying what differs."""

    def __init__(self, rig: Rig, told: Told) -> None:
        self._api, self._told, self._patient = rig.api, told, Patient(rig.api)

    def run(self) -> None:
        for seat in self._told.seats:
            self._terminal(seat)
            self._typed(seat)
        for page in self._told.pages:
            assert not page.wrong, (page.key, page.wrong[:3], self._told.happened)
            assert page.shown or page.screens, f"the page at {page.key} showed nothing"
        self._executes()
        self._messages()
        self._starts()

    def _terminal(self, seat: Seat) -> None:
        whole = self._told.whole(seat.key)
        assert not seat.place.wrong, (seat.key, seat.place.wrong[:3])
        assert bytes(seat.data) == whole, differ(bytes(seat.data), whole)
        kept = self._api.output(seat.key)
        assert kept == whole, differ(kept, whole)

    def _typed(self, seat: Seat) -> None:
        typed = seat.keys[: seat.wanted]
        line = "wc -c < typed; b2sum < typed; tail -c 60 typed"
        count, digest, last = self._api.execute(seat.key, line)["stdout"].split("\n", 2)
        assert int(count) == len(typed), f"{seat.key}: {count} bytes typed of {len(typed)}; {last}"
        same = digest.split()[0] == hashlib.blake2b(typed).hexdigest()
        assert same, f"{seat.key}: other bytes than were typed; {last}"

    def _executes(self) -> None:
        done: list[str] = []
        for key in self._told.pods:
            found = self._api.execute(key, "cat executed 2>/dev/null; true")["stdout"]
            done += [f"{key} {name}" for name in found.split()]
        for name, (key, outcome) in self._told.executes.items():
            times = done.count(f"{key} {name}")
            assert times in self._times(outcome), f"{name} was done {times} times: {outcome}"
        assert len(done) == len(set(done))

    def _times(self, outcome: str) -> tuple[int, ...]:
        """How often a command was done, by what its caller was told."""
        if outcome.startswith("command "):
            outcome = self._patient.get(f"commands/{outcome.split()[1]}/")["state"]
            assert outcome not in {"queued", "sent", "acked"}, f"a command is still {outcome}"
        if outcome in {"200", "done"}:
            return (1,)
        return (0,) if outcome in NEVER else (0, 1)

    def _messages(self) -> None:
        for heard in self._told.heard:
            while hear(self._patient, self._told.channel, heard):
                pass
            numbers = [number for number, _ in heard]
            assert numbers == list(range(1, len(numbers) + 1))
            assert sorted(text for _, text in heard) == sorted(self._told.said)

    def _starts(self) -> None:
        for name, key in self._told.shorts.items():
            state = self._api.becomes(key, "completed", "lost", "failed")
            if state == "completed":
                assert self._api.output(key) == b"once\r\n", name
                continue
            reason = self._api.get(f"pods/{key}/")["reason"]
            assert "Runner" in reason, f"{name} is {state}: {reason}"


def hear(
    patient: Patient, channel: str, heard: list[tuple[int, str]], wait_s: int = 0
) -> list[tuple[int, str]]:
    """Messages after the last one heard; they are added to those heard."""
    after = heard[-1][0] if heard else 0
    path = f"channels/{channel}/messages/?after={after}&wait={wait_s}"
    found = [(each["number"], each["body"]) for each in patient.get(path)["results"]]
    heard += found
    return found


def differ(got: bytes, wanted: bytes) -> str:
    at = next(_differences(got, wanted), min(len(got), len(wanted)))
    return (
        f"{len(got)} bytes, {len(wanted)} were written; the first other one at {at}: "
        f"{got[at : at + 60]!r}, not {wanted[at : at + 60]!r}"
    )


def _differences(got: bytes, wanted: bytes) -> Iterator[int]:
    return (n for n, (one, other) in enumerate(zip(got, wanted, strict=False)) if one != other)
