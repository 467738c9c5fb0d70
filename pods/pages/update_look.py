"""How updates are put into words on the Runners page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from accounts.actor import Actor
from pods.models import Rollout, Runner, UpdateAttempt
from pods.pages.looks import Look
from pods.services.releases import is_newer, newest
from pods.services.rollouts import rollouts_for
from pods.updates import OPEN, RolloutState, UpdateState, order

_LOOKS = {
    UpdateState.PLANNED: Look("waits its turn", "state-pending", "is-unknown"),
    UpdateState.ASKED: Look("asked", "state-pending", "is-unknown"),
    UpdateState.WORKING: Look("updating", "state-starting", "is-working", turning=True),
    UpdateState.DONE: Look("updated", "state-completed", "is-done"),
    UpdateState.FAILED: Look("not updated", "state-failed", "is-failed"),
    UpdateState.CANCELLED: Look("called off", "state-terminated", "is-unknown"),
}
_SAID = {
    "taken": "taken up",
    "downloading": "downloading",
    "verifying": "verifying",
    "installing": "installing",
    "self-test": "testing itself",
    "waiting": "waiting",
    "switching": "switching",
}


@dataclass(frozen=True)
class AttemptLook:
    attempt: UpdateAttempt

    @property
    def state(self) -> Look:
        return _LOOKS[UpdateState(self.attempt.state)]

    @property
    def is_open(self) -> bool:
        return self.attempt.state in OPEN

    @property
    def words(self) -> str:
        """How far it is, or why it is not."""
        if self.attempt.state == UpdateState.ASKED:
            return "" if self.attempt.runner.is_online else "when it is back"
        if self.attempt.state == UpdateState.WORKING:
            step = _SAID.get(self.attempt.step, self.attempt.step)
            return f"{step} {self.attempt.step_text}".strip()
        return self.attempt.reason


@dataclass(frozen=True)
class UpdateLook:
    """Of one Runner: its update under way or the one that failed last, and the newer version there is."""

    attempt: AttemptLook | None
    available: str


@dataclass(frozen=True)
class RolloutLook:
    """`version` is what could be rolled out; `rollout` the newest there was."""

    version: str
    behind: int
    rollout: Rollout | None
    attempts: tuple[AttemptLook, ...]

    @property
    def is_running(self) -> bool:
        return bool(self.rollout and self.rollout.state == RolloutState.RUNNING)

    @property
    def done(self) -> int:
        return sum(each.attempt.state == UpdateState.DONE for each in self.attempts)

    @property
    def is_shown(self) -> bool:
        """While it runs, and as long as it left something to do."""
        return self.is_running or bool(
            self.rollout and self.behind and self.rollout.state != RolloutState.DONE
        )


class _Looked(Protocol):
    @property
    def update(self) -> UpdateLook | None: ...


def of(runner: Runner) -> UpdateLook:
    attempt = runner.updates.exclude(state=UpdateState.PLANNED).order_by("-pk").first()
    release = newest(runner) if runner.platform else None
    is_shown = attempt and (
        attempt.state in OPEN
        or (attempt.state == UpdateState.FAILED and attempt.was == runner.version)
    )
    return UpdateLook(
        AttemptLook(attempt) if attempt and is_shown else None,
        release.version if release and is_newer(release, runner) else "",
    )


def rollout(actor: Actor, looks: Iterable[_Looked]) -> RolloutLook:
    available = [look.update.available for look in looks if look.update and look.update.available]
    newest_one = rollouts_for(actor).order_by("-pk").first()
    attempts = newest_one.attempts.select_related("runner") if newest_one else []
    return RolloutLook(
        version=max(available, key=order, default=""),
        behind=len(available),
        rollout=newest_one,
        attempts=tuple(AttemptLook(attempt) for attempt in attempts),
    )
