"""How the link to the server stands, for `mesh-runner status`: a small file that the daemon writes."""

import json
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """`state` is "dialling", "attached", "refused" or "stopped"; `text` says why."""

    state: str
    since: str  # ISO 8601, UTC
    gateway: str = ""
    epoch: int = 0
    text: str = ""


class Status:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._now = LinkStatus("stopped", "")

    def note(self, state: str, text: str = "", *, gateway: str = "", epoch: int = 0) -> None:
        same = state == self._now.state
        since = self._now.since if same else datetime.now(UTC).isoformat(timespec="seconds")
        self._now = LinkStatus(state, since, gateway, epoch, text)
        draft = self._path.with_suffix(".new")
        try:
            draft.write_text(json.dumps(asdict(self._now)))
            draft.replace(self._path)
        except OSError as error:  # a full disk: the link matters more than its description
            logger.warning("%s is not written: %s", self._path, error)


def read(path: Path) -> LinkStatus | None:
    """None when no daemon ran yet."""
    return LinkStatus(**json.loads(path.read_text())) if path.exists() else None
