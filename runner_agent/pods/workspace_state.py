"""A Workspace as the server gets to see it: how it stands, its commits, its changes."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from runner_agent.messages import CommandError
from runner_agent.pods.records import Record
from runner_agent.workspaces.git_names import check_ref
from runner_agent.workspaces.git_view import GitView
from runner_agent.workspaces.repositories import commit_of

CHANGES_MAX = 500  # files named in one answer
LOG_DEFAULT, LOG_MAX = 50, 500  # commits
_FIELDS = ("hash", "author", "email", "at", "subject")
_FORMAT = "--format=%H%x00%an%x00%ae%x00%aI%x00%s%x1e"


async def state_of(record: Record, view: GitView) -> dict[str, Any]:
    workspace = record.workspace
    if not workspace.cache:
        return {"path": workspace.path, "git": False}
    head = await view.head()
    tip = await commit_of(Path(workspace.cache), f"refs/heads/{workspace.base}")
    ahead, behind = await view.ahead_behind(tip or workspace.base_commit) if head else (0, 0)
    changes = await view.changes()
    files, added, removed = await view.counts(workspace.base_commit)
    return {
        "path": workspace.path,
        "git": True,
        "branch": await view.branch(),
        "base": workspace.base,
        "base_commit": workspace.base_commit,
        "head": head,
        "ahead": ahead,
        "behind": behind,
        "dirty": bool(changes),
        "changes": [asdict(change) for change in changes[:CHANGES_MAX]],
        "changes_total": len(changes),
        "files": files,
        "added": added,
        "removed": removed,
    }


async def log_of(record: Record, view: GitView, args: dict[str, Any]) -> dict[str, Any]:
    """The branch's own commits, newest first; with `all` also those it began from."""
    base = _git_of(record)
    limit = min(max(int(args.get("limit") or LOG_DEFAULT), 1), LOG_MAX)
    head = await view.head()
    span = ["HEAD"] if args.get("all") else ["HEAD", f"^{base}"]
    said = await view.git("log", f"--max-count={limit}", _FORMAT, *span, "--") if head else None
    rows = said.text.split("\x1e") if said else []
    commits = [
        dict(zip(_FIELDS, row.strip("\n").split("\0"), strict=True)) for row in rows if row.strip()
    ]
    return {"head": head, "base": base, "commits": commits}


async def diff_of(record: Record, view: GitView, args: dict[str, Any]) -> dict[str, Any]:
    """From `base` (where the branch began) to the working tree; of one file or folder with `path`."""
    began = _git_of(record)
    base = check_ref(str(args.get("base") or began))
    path = str(args.get("path") or "")
    if path.startswith("/") or ".." in Path(path).parts or "\0" in path:
        raise CommandError("bad_path", f"{path[:200]!r} is not below the Workspace.")
    if base != began:
        base = await view.resolve(base)
        if not base:
            raise CommandError("bad_branch", f"The Workspace knows no {args['base']!r}.")
    said = await view.diff(base, path)
    return {
        "base": base,
        "head": await view.head(),
        "path": path,
        "diff": said.text,
        "truncated": said.truncated,
    }


def _git_of(record: Record) -> str:
    if not record.workspace.cache:
        raise CommandError("no_git", f"Pod {record.pod} works in a directory without git.")
    return record.workspace.base_commit
