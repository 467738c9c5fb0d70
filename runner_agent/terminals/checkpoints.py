"""Screens kept beside a Pod's log, one for the start of each segment, so that none is rebuilt from the first byte."""

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_agent.terminals.logs import PodLog

if TYPE_CHECKING:
    from runner_agent.terminals.screen import Screen

_SUFFIX = ".screen"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    offset: int
    size: tuple[int, int]  # cols, rows
    replay: bytes

    def screen(self) -> "Screen":
        from runner_agent.terminals.screen import Screen

        screen = Screen(*self.size)
        screen.feed(self.replay)
        return screen


def save(log: PodLog, offset: int, screen: "Screen") -> None:
    """The screen as it is before the byte at `offset`, a segment's first."""
    cols, rows = screen.size
    head = json.dumps({"cols": cols, "rows": rows}).encode()
    path = log.path(offset, _SUFFIX)
    draft = path.with_name(path.name + ".new")
    try:
        draft.write_bytes(head + b"\n" + screen.replay() + screen.partial())
        draft.replace(path)
        if not log.path(offset, "").exists():  # its segment was dropped meanwhile
            path.unlink(missing_ok=True)
    except OSError as error:  # a full disk: the screen can be rebuilt from an earlier one
        logger.warning("no checkpoint of the screen at %d: %s", offset, error)


def exists(log: PodLog, offset: int) -> bool:
    return log.path(offset, _SUFFIX).exists()


def last_before(log: PodLog, offset: int) -> Checkpoint | None:
    for start in reversed([start for start in log.starts() if start <= offset]):
        try:
            head, replay = log.path(start, _SUFFIX).read_bytes().split(b"\n", 1)
            size = json.loads(head)
            return Checkpoint(start, (size["cols"], size["rows"]), replay)
        except FileNotFoundError:
            continue
        except (ValueError, KeyError) as error:
            logger.warning("the checkpoint at %d is damaged (%s)", start, error)
    return None
