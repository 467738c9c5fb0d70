"""When which signal goes to a Pod's processes. Pure: the clock is an argument."""

from signal import SIGHUP, SIGKILL, SIGTERM

GRACE_AFTER_EXIT_S = 2.0  # for what the agent leaves behind
KILL_AGAIN_S = 0.1  # a process may have forked while the list was read
GIVE_UP_S = 5.0  # after the first SIGKILL: what is left then hangs in the kernel


class Ending:
    def __init__(self) -> None:
        self.asked = False
        self.killed_at: float | None = None
        self._steps: list[tuple[float, int]] = []

    def ask(self, now: float, grace_s: float) -> None:
        """The Pod is to end. Asked again, the shorter grace holds."""
        self.asked = True
        self._plan([(now, SIGHUP), (now + grace_s / 2, SIGTERM), (now + grace_s, SIGKILL)])

    def agent_ended(self, now: float) -> None:
        grace = GRACE_AFTER_EXIT_S
        self._plan([(now + grace / 4, SIGHUP), (now + grace / 2, SIGTERM), (now + grace, SIGKILL)])

    def _plan(self, steps: list[tuple[float, int]]) -> None:
        if self.killed_at is None and (not self._steps or steps[-1][0] < self._steps[-1][0]):
            self._steps = steps

    def next_at(self) -> float | None:
        return self._steps[0][0] if self._steps else None

    def due(self, now: float) -> list[int]:
        due = [signo for at, signo in self._steps if at <= now]
        self._steps = [step for step in self._steps if step[0] > now]
        if SIGKILL in due:
            if self.killed_at is None:
                self.killed_at = now
            if now - self.killed_at < GIVE_UP_S:
                self._steps = [(now + KILL_AGAIN_S, SIGKILL)]
        return due

    def given_up(self, now: float) -> bool:
        return self.killed_at is not None and now - self.killed_at >= GIVE_UP_S
