"""What runs in a Pod's jail before its agent, once: what it prints is the progress that people see."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from runner_agent.jail import execute
from runner_agent.jail.confine import Confinement, Isolation
from runner_agent.messages import CommandError
from runner_agent.workspaces.spec import Setup

FORKED_WITHIN_S = 120.0  # it may start the agent's program a few times
_SAID_LINES = 5  # of one that failed, for the sentence that says so
_LINE_MAX = 400  # characters
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Before:
    """`step` is where its lines are told; `code` and `name` are of the CommandError when it fails."""

    step: str
    argv: tuple[str, ...]
    timeout_s: float
    code: str
    name: str


def all_before(setup: Setup | None, before_agent: tuple[str, ...]) -> Iterator[Before]:
    """A repository's own script, then what the agent type declares."""
    if setup:
        argv = ("sh", "-e", "-c", setup.script)
        name = "The repository's setup script"
        yield Before("setup", argv, setup.timeout_s, "setup_failed", name)
    if before_agent:
        name = "What this agent type runs before a fork"
        yield Before("agent", before_agent, FORKED_WITHIN_S, "fork_failed", name)


async def run(
    before: Before,
    confinement: Confinement,
    env: Mapping[str, str],
    isolation: Isolation,
    say: Say,
) -> None:
    """CommandError with its code and its last words."""
    lines = _Lines(say)
    try:
        finished = await execute.run(
            (*isolation.confine(confinement), *before.argv),
            cwd=confinement.cwd,
            env=env,
            timeout_s=before.timeout_s,
            streams=execute.Streams(heard=lines.heard),
        )
    except OSError as error:
        raise CommandError(
            before.code, f"{before.argv[0]} cannot be run: {error.strerror}."
        ) from error
    if finished.exit_code == 0 and not finished.timed_out:
        return
    how = f"ended with {finished.exit_code}"
    if finished.timed_out:
        how = f"took more than {before.timeout_s:.0f} seconds"
    said = " · ".join(lines.last) or "it printed nothing"
    raise CommandError(before.code, f"{before.name} {how}: {said}")


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
