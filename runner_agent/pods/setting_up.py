"""A repository's own script, run in a Pod's jail before its agent: what it prints is the progress that people see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from runner_agent.jail import execute
from runner_agent.jail.confine import Confinement, Isolation
from runner_agent.messages import CommandError
from runner_agent.workspaces.spec import Setup

_SAID_LINES = 5  # of a script that failed, for the sentence that says so
_LINE_MAX = 400  # characters
Say = Callable[[str], None]


async def set_up(
    setup: Setup,
    confinement: Confinement,
    env: Mapping[str, str],
    isolation: Isolation,
    say: Say,
) -> None:
    """CommandError setup_failed, with the script's last words."""
    lines = _Lines(say)
    try:
        finished = await execute.run(
            (*isolation.confine(confinement), "sh", "-e", "-c", setup.script),
            cwd=confinement.cwd,
            env=env,
            timeout_s=setup.timeout_s,
            streams=execute.Streams(heard=lines.heard),
        )
    except OSError as error:
        raise CommandError("setup_failed", f"sh cannot be run: {error.strerror}.") from error
    if finished.exit_code == 0 and not finished.timed_out:
        return
    how = f"ended with {finished.exit_code}"
    if finished.timed_out:
        how = f"took more than {setup.timeout_s:.0f} seconds"
    said = " · ".join(lines.last) or "it printed nothing"
    raise CommandError("setup_failed", f"The repository's setup script {how}: {said}")


@dataclass(slots=True)
class _Lines:
    """Cut into lines what comes in pieces; the last few are remembered."""

    say: Say
    last: list[str] = field(default_factory=list)
    rest: bytes = b""

    def heard(self, piece: bytes) -> None:
        *lines, self.rest = (self.rest + piece).replace(b"\r", b"\n").split(b"\n")
        self.rest = self.rest[-_LINE_MAX * 4 :]
        for line in lines:
            text = line.decode(errors="replace").strip()[:_LINE_MAX]
            if text:
                self.last = [*self.last, text][-_SAID_LINES:]
                self.say(text)
