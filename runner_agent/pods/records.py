"""What the Runner remembers of each Pod it started, across its own restarts."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from runner_agent.agents.spec import AgentSpec
from runner_agent.config import Config
from runner_agent.places import Places, places_of
from runner_agent.workspaces.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Record:
    """`env`: the Pod's own, as it came. `token_digest`: of its token; the token itself is only the Pod's.

    `root`: the first of the Pods that went on from each other in one Workspace, if this is not the first. `session`
    names the agent's conversation, `model` what it was started with. `private`: files to remove when the Pod ends;
    `shown`: what else its jail shows.
    """

    pod: str
    isolation: str
    env: dict[str, str]
    workspace: Workspace
    token_digest: str = ""
    root: str = ""
    agent: AgentSpec | None = None
    session: str = ""
    model: str = ""
    private: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    agent_version: str = ""


class Records:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._known: dict[str, Record] = {}
        self._confirmed: set[str] = set()

    def load(self) -> None:
        for place in self._config.pods.glob("*/start.json"):
            record = _record(json.loads(place.read_bytes()))
            self._known[record.pod] = record
            if self.places(record.pod).confirmed.exists():
                self._confirmed.add(record.pod)

    def get(self, pod: str) -> Record | None:
        return self._known.get(pod)

    def places(self, pod: str) -> Places:
        known = self._known.get(pod)
        return places_of(self._config, pod, known.root if known else "")

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self._known.values()))

    def rooted(self, root: str) -> list[Record]:
        """All Pods that work, or worked, in the Workspace of this one."""
        return [each for each in self._known.values() if root in (each.pod, each.root)]

    def add(self, record: Record) -> None:
        place = self.places(record.pod).record
        draft = place.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(record)))
        draft.replace(place)  # not synced: when the machine goes down, the Pod goes with it
        self._known[record.pod] = record

    def drop(self, pod: str) -> None:
        self._known.pop(pod, None)

    def confirm(self, pod: str) -> None:
        """Its end is known to the server for good."""
        if pod in self._known:
            self.places(pod).confirmed.touch(mode=0o600)
            self._confirmed.add(pod)

    def is_confirmed(self, pod: str) -> bool:
        return pod in self._confirmed


def _record(held: dict[str, Any]) -> Record:
    agent = held.get("agent")
    return Record(
        **{
            **held,
            "workspace": Workspace(**held["workspace"]),
            "agent": AgentSpec.from_payload(agent) if agent else None,
            "private": tuple(held.get("private", ())),
            "shown": tuple(held.get("shown", ())),
        }
    )
