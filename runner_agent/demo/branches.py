"""Work carried from one Pod to another as text.

Each Pod has a clone of its own that no other Pod can reach, on whatever machine. So a worker publishes its commit as a
patch in a message, and who merges applies it to the same base. Author, dates and base are the patch's, and the committer
is the demo in both, so the commit that arises has the very id that was published: that proves that it arrived whole.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from runner_agent.demo.folder import AUTHOR, Folder, WorkError, run

_PUBLISHED = re.compile(
    r"Commit `(?P<commit>[0-9a-f]{40})` on `(?P<branch>[\w./-]+)`, from `(?P<base>[0-9a-f]{40})`"
    r".*?^````diff\n(?P<patch>.*?)^````$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Published:
    commit: str
    branch: str
    base: str
    patch: str


def publish(folder: Folder) -> str:
    """The last commit as part of a message."""
    commit, base = folder.git("rev-parse", "HEAD"), folder.git("rev-parse", "HEAD^")
    patch = folder.git("format-patch", "-1", "--stdout", "--no-signature", "HEAD")
    return f"Commit `{commit}` on `{folder.branch()}`, from `{base}`:\n\n````diff\n{patch}\n````"


def published(body: str) -> Published | None:
    found = _PUBLISHED.search(body)
    return Published(**found.groupdict()) if found else None


def merge(folder: Folder, work: Published) -> str:
    """Short id of the merge. Raises WorkError, with the branch it began on checked out again."""
    own = folder.branch()
    try:
        _apply(folder, work)
    finally:
        folder.git("switch", "--quiet", own)
    message = f"Merge {work.branch}"
    folder.git(*AUTHOR, "merge", "--quiet", "--no-ff", "--no-verify", "-m", message, work.branch)
    return folder.git("rev-parse", "--short", "HEAD")


def _apply(folder: Folder, work: Published) -> None:
    folder.git("switch", "--quiet", "--force-create", work.branch, work.base)
    with tempfile.NamedTemporaryFile("w", suffix=".patch", encoding="utf-8") as file:
        file.write(work.patch)
        file.flush()
        try:
            options = ("--quiet", "--committer-date-is-author-date", "--no-gpg-sign")
            folder.git(*AUTHOR, "am", *options, file.name)
        except WorkError:
            folder.git("am", "--abort")
            raise
    arrived = folder.git("rev-parse", "HEAD")
    if arrived != work.commit:
        raise WorkError(f"{work.branch} arrived as {arrived[:10]}, not as {work.commit[:10]}")


def test_all(folder: Folder, python: str) -> str:
    """The line that says how all tests went."""
    words = (python, "-S", "-B", "-m", "unittest", "discover", "-s", "mesh_demo", "-t", "mesh_demo")
    ended = run(words, Path(folder.root))
    if ended.returncode:
        raise WorkError(ended.stderr.strip()[-300:])
    return next(line for line in ended.stderr.splitlines() if line.startswith("Ran "))
