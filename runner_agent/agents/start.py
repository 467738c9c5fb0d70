"""One start of a declared agent, as it was asked for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from runner_agent.agents.spec import AgentSpec
from runner_agent.messages import CommandError

_SESSION = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}\Z|\Z"
)  # it becomes a word of a command line


@dataclass(frozen=True, slots=True)
class AgentStart:
    """`session` is the name we gave the conversation, `conversation` the agent's own for one that goes on.

    `resume` says that it goes on, `is_fork` that a copy of it does.

    `secrets` are values, for the Pod's environment and its private files alone. `use_login`: the files of a login of
    the Runner's user are copied in.
    """

    spec: AgentSpec
    session: str = ""
    resume: bool = False
    is_fork: bool = False
    conversation: str = ""
    model: str = ""
    use_login: bool = False
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_payload(cls, held: Mapping[str, Any], secrets: Mapping[str, str]) -> Self | None:
        """None for a start without a declaration. CommandError bad_payload, no_secret."""
        if not held.get("agent"):
            return None
        missing = (held.get("secrets") or {}).keys() - secrets.keys()
        if missing:
            raise CommandError(
                "no_secret",
                f"The credential set that this Pod was to have is gone ({', '.join(sorted(missing))}):"
                " choose another one.",
            )
        names = {name: str(held.get(name) or "") for name in ("session", "conversation")}
        if not all(map(_SESSION.match, names.values())):
            raise CommandError("bad_payload", "A conversation has no such name.")
        return cls(
            spec=AgentSpec.from_payload(held["agent"]),
            session=names["session"],
            conversation=names["conversation"],
            resume=bool(held.get("resume")),
            is_fork=bool(held.get("fork")),
            model=str(held.get("model") or ""),
            use_login=bool(held.get("use_login") or held["agent"].get("use_login")),
            secrets=dict(secrets),
        )

    def with_secret(self, name: str, value: str) -> Self:
        return replace(self, secrets={**self.secrets, name: value})

    @property
    def words(self) -> tuple[str, ...]:
        """The command line that was declared for this kind of start. CommandError when none was."""
        launch = self.spec.launch
        chosen = launch.fork if self.is_fork else launch.resume if self.resume else launch.argv
        if not chosen:
            verb = "fork" if self.is_fork else "resume" if self.resume else "start"
            name = self.spec.name or self.spec.slug
            raise CommandError(f"no_{verb}", f"{name} does not say how to {verb} a conversation.")
        return chosen

    @property
    def words_before(self) -> tuple[str, ...]:
        """What is run once before them."""
        return self.spec.launch.before_fork if self.is_fork else ()
