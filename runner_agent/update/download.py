"""The archive of a release onto this disk, going on where an earlier try stopped."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

from runner_agent.link.release_stream import BrokenOffError
from runner_agent.messages import CommandError
from runner_agent.update.manifest import Manifest

STALLED_S = 600.0  # without a further byte for so long it is given up
AGAIN_S = 1.0  # before a stream that broke is opened anew
MB = 1 << 20

Fetch = Callable[[str, int], AsyncIterator[bytes]]
"""SHA-256 of an archive and an offset: its bytes from there. Raises BrokenOffError, NotThereError."""

logger = logging.getLogger(__name__)


class Tell(Protocol):
    def __call__(self, text: str, *, often: bool) -> None:
        """`often`: there will be another word soon."""


async def download(fetch: Fetch, made: Manifest, part: Path, tell: Tell) -> None:
    """Until `part` has all of it. Raises CommandError, NotThereError, OSError."""
    clock = asyncio.get_running_loop().time
    patience, said = clock() + STALLED_S, ""
    while (have := held_of(part)) < made.size:
        tell(f"{have // MB} of {made.size // MB} MB{said}", often=False)
        try:
            await _receive(fetch, made, part, tell)
        except BrokenOffError as error:
            said = f": {error}"
            logger.info("the download broke off%s", said)
            await asyncio.sleep(AGAIN_S)
        if held_of(part) > have:
            patience = clock() + STALLED_S
        elif clock() > patience:
            raise CommandError("no_download", f"The archive does not arrive{said}.")


def held_of(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


async def _receive(fetch: Fetch, made: Manifest, part: Path, tell: Tell) -> None:
    have = held_of(part)
    with part.open("ab") as file:
        async for data in fetch(made.sha256, have):
            file.write(data)
            have += len(data)
            tell(f"{have // MB} of {made.size // MB} MB", often=True)
            if have > made.size:
                raise CommandError("damaged", "The server sends more than the manifest says.")
