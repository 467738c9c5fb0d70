"""The payload of an "update" Command, from JSON into a type."""

from dataclasses import dataclass

from runner_agent.messages import Command, CommandError
from runner_agent.update.manifest import Signed

MODES, AFTER = ("handover", "drain"), ("handover", "give_up")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`version` as it was asked for; the manifest decides. `wait_s` limits the wait for Pods and Commands, `after`
    says what is done then."""

    id: str
    version: str
    signed: Signed
    mode: str
    wait_s: float
    after: str


def wanted_of(command: Command) -> Wanted:
    """Raises CommandError."""
    held = command.payload
    try:
        wanted = Wanted(
            id=command.id,
            version=str(held["version"]),
            signed=Signed(str(held["manifest"]), str(held["signature"])),
            mode=str(held["mode"]),
            wait_s=float(held["wait_s"]),
            after=str(held["after"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise CommandError("bad_payload", f"This update cannot be understood: {error!r}") from error
    if wanted.mode not in MODES or wanted.after not in AFTER or wanted.wait_s < 0:
        raise CommandError(
            "bad_payload", f"This update cannot be understood: {wanted.mode}, {wanted.after}."
        )
    return wanted
