"""A Workspace as the server gets to see it: how it stands, its commits, its changes.

What was found is kept while HEAD, the index and the changed files are the same, so that only a change costs more than
one look.
"""

import asyncio
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner_agent.messages import CommandError
from runner_agent.pods.records import Record
from runner_agent.workspaces import git_diff
from runner_agent.workspaces.git_diff import FileDiff
from runner_agent.workspaces.git_names import check_ref
from runner_agent.workspaces.git_status import Standing, standing
from runner_agent.workspaces.git_tree import Signature, WorkTree, signature, tree_of
from runner_agent.workspaces.git_view import GitView, ViewError, plain
from runner_agent.workspaces.repositories import tip_of

CHANGES_MAX = 500  # files named in one answer
LISTED_MAX = 5000  # files of a diff named in one answer
LOG_DEFAULT, LOG_MAX = 50, 500  # commits
_FIELDS = ("hash", "author", "email", "at", "subject")
_FORMAT = "--format=%H%x00%an%x00%ae%x00%aI%x00%s%x1e"
_CURSOR = re.compile(r"([0-9a-f]{40,64})\.([0-9a-f]{40,64})\.([0-9]{1,9})")


@dataclass(slots=True)
class Found:
    """Of one Pod: what its last look found, and what it was found from."""

    seen: Signature = ()
    tree: WorkTree = field(default_factory=lambda: WorkTree(""))
    between: dict[tuple[str, str, str], list[FileDiff]] = field(default_factory=dict)
    apart: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    async def tree_now(self, view: GitView, now: Standing) -> WorkTree:
        seen = signature(view, now)
        if seen != self.seen:
            self.tree = await tree_of(view, now)
            self.seen = seen
            self.between.clear()
        return self.tree

    async def files_now(self, view: GitView, base: str, now: Standing) -> list[FileDiff]:
        """All that lie between `base` and the tree."""
        seen = signature(view, now)
        if seen != self.seen:
            self.tree, files = await git_diff.tree_with_files(view, base, now)
            self.seen, self.between = seen, {(base, self.tree.id, ""): files}
        return await self.files(view, base, self.tree, "")

    async def files(self, view: GitView, base: str, tree: WorkTree, path: str) -> list[FileDiff]:
        key = (base, tree.id, path)
        if key not in self.between:
            self.between[key] = await git_diff.files_between(view, base, tree, path)
        return self.between[key]

    async def ahead_behind(self, view: GitView, base: str, head: str) -> tuple[int, int]:
        if (base, head) not in self.apart:
            self.apart = {(base, head): await view.ahead_behind(base)}
        return self.apart[base, head]


async def state_of(record: Record, view: GitView, found: Found) -> dict[str, Any]:
    workspace = record.workspace
    if not workspace.cache:
        return {"path": workspace.path, "git": False}
    now = await standing(view)
    ahead, behind = 0, 0
    if now.head:
        tip = await asyncio.to_thread(tip_of, Path(workspace.cache), workspace.base)
        base = tip or workspace.base_commit
        ahead, behind = await found.ahead_behind(view, base, now.head)
    files = await found.files_now(view, workspace.base_commit, now)
    changes = now.changes[:CHANGES_MAX]
    return {
        "path": workspace.path,
        "git": True,
        "branch": plain(now.branch),
        "base": workspace.base,
        "base_commit": workspace.base_commit,
        "head": now.head,
        "ahead": ahead,
        "behind": behind,
        "dirty": bool(now.changes),
        "changes": [{"path": plain(each.path), "status": each.status} for each in changes],
        "changes_total": len(now.changes),
        **_counts(files),
    }


def _counts(files: list[FileDiff]) -> dict[str, int]:
    return {
        "files": len(files),
        "added": sum(file.added for file in files),
        "removed": sum(file.removed for file in files),
    }


async def log_of(record: Record, view: GitView, args: dict[str, Any]) -> dict[str, Any]:
    """The branch's own commits, newest first; with `all` also those it began from."""
    base = _git_of(record)
    limit = min(max(int(args.get("limit") or LOG_DEFAULT), 1), LOG_MAX)
    head = await view.head()
    span = ["HEAD"] if args.get("all") else ["HEAD", f"^{base}"]
    said = await view.git("log", f"--max-count={limit}", _FORMAT, *span, "--") if head else None
    rows = [row.strip("\n").split("\0") for row in plain(said.text).split("\x1e")] if said else []
    commits = [dict(zip(_FIELDS, row, strict=True)) for row in rows if len(row) == len(_FIELDS)]
    return {"head": head, "base": base, "commits": commits}


async def diff_of(
    record: Record, view: GitView, args: dict[str, Any], found: Found
) -> dict[str, Any]:
    """From `base` (HEAD, a name, or where the branch began) to the files as they are; of one file or folder with `path`.

    `cursor`: the following page of an earlier answer, of the same moment. `listed`: every file, without patches.
    """
    path = _path(str(args.get("path") or ""))
    base, tree, start = await _span(record, view, args, found)
    try:
        files = await found.files(view, base, tree, path)
        page = (
            None if args.get("listed") else await git_diff.page_of(view, base, tree, files, start)
        )
    except ViewError as error:
        if args.get("cursor") and "bad object" in str(error):
            raise _stale() from error
        raise
    shown = page.files if page else files[:LISTED_MAX]
    following = f"{base}.{tree.id}.{page.following}" if page and page.following else ""
    return {
        "base": base,
        "head": await view.head(),
        "tree": tree.id,
        "path": path,
        "total": _counts(files),
        "start": start,
        "files": [file.told() for file in shown],
        "next": following,
        "truncated": bool(following)
        or len(files) > len(shown) + start
        or any(f.cut for f in shown),
    }


async def _span(
    record: Record, view: GitView, args: dict[str, Any], found: Found
) -> tuple[str, WorkTree, int]:
    """What is compared, and from which file on."""
    began = _git_of(record)
    if given := str(args.get("cursor") or ""):
        cursor = _CURSOR.fullmatch(given)
        if cursor is None:
            raise CommandError("bad_cursor", "This cursor is none: take it from “next”.")
        huge = found.tree.huge if found.tree.id == cursor[2] else ()
        return cursor[1], WorkTree(cursor[2], huge), int(cursor[3])
    wanted = str(args.get("base") or began)
    base = began if wanted == began else await _resolved(view, wanted)
    return base, await found.tree_now(view, await standing(view)), 0


async def _resolved(view: GitView, wanted: str) -> str:
    base = await view.resolve(wanted if wanted == "HEAD" else check_ref(wanted))
    if not base:
        raise CommandError("bad_branch", f"The Workspace knows no {wanted[:200]!r}.")
    return base


def _path(path: str) -> str:
    if path.startswith("/") or ".." in Path(path).parts or "\0" in path:
        raise CommandError("bad_path", f"{path[:200]!r} is not below the Workspace.")
    return path


def _stale() -> CommandError:
    return CommandError("bad_cursor", "These pages are no longer kept: begin again without cursor.")


def _git_of(record: Record) -> str:
    if not record.workspace.cache:
        raise CommandError("no_git", f"Pod {record.pod} works in a directory without git.")
    return record.workspace.base_commit
