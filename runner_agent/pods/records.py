"""What the Runner remembers of each Pod it started, across its own restarts."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from runner_agent.config import Config
from runner_agent.places import Places, places_of
from runner_agent.workspaces.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Record:
    """`env`: the Pod's own, as it came."""

    pod: str
    isolation: str
    env: dict[str, str]
    workspace: Workspace


class Records:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._known: dict[str, Record] = {}
        self._confirmed: set[str] = set()

    def load(self) -> None:
        for place in self._config.pods.glob("*/start.json"):
            held: dict[str, Any] = json.loads(place.read_bytes())
            record = Record(**{**held, "workspace": Workspace(**held["workspace"])})
            self._known[record.pod] = record
            if self.places(record.pod).confirmed.exists():
                self._confirmed.add(record.pod)

    def get(self, pod: str) -> Record | None:
        return self._known.get(pod)

    def places(self, pod: str) -> Places:
        return places_of(self._config, pod)

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
