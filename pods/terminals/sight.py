"""What the rows say of a Pod to one who looks at its Terminal. Pure."""

from dataclasses import dataclass

from pods.lease import Writer
from pods.lifecycle import PodState
from pods.terminals.whereabouts import Whereabouts


@dataclass(frozen=True, slots=True)
class Sight:
    """`reason` says why the Pod waits or ended, in words. `exit_code` negative: ended by that signal."""

    state: PodState
    reason: str
    exit_code: int | None
    place: Whereabouts
    writer: Writer
    may_type: bool

    @property
    def is_online(self) -> bool:
        """Its Runner has a Session, or none was chosen yet."""
        return bool(self.place.address) or self.place.runner_id is None
