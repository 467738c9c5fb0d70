"""How a Runner is put into words."""

from dataclasses import dataclass
from datetime import datetime

from pods.models import Runner
from pods.pages.looks import Look
from pods.pages.session_look import SessionLook
from pods.pages.update_look import UpdateLook


@dataclass(frozen=True)
class RunnerLook:
    """A Runner as pages show it, with how many of its places are taken."""

    runner: Runner
    taken: int
    expires: datetime | None = None  # its newest certificate that is not revoked
    update: UpdateLook | None = None
    session: SessionLook | None = None  # while it is online

    @property
    def state(self) -> Look:
        if self.runner.disabled_at:
            return Look("Disabled", "state-disabled", "is-unknown")
        if not self.runner.is_online:
            return Look("Offline", "state-offline", "is-unknown")
        if self.runner.draining_since:
            return Look("Draining", "state-draining", "is-attention")
        if self.runner.updating_since:
            return Look("Updating", "state-starting", "is-working", turning=True)
        return Look("Online", "state-online", "is-done")

    @property
    def since(self) -> datetime | None:
        runner = self.runner
        if runner.disabled_at:
            return runner.disabled_at
        if not runner.is_online:
            return runner.seen_at
        return runner.draining_since or runner.attached_at
