"""Tools on Workspaces: what an agent has changed, and how its branch stands."""

from typing import Any

from pydantic import Field

from accounts.actor import Actor
from pods.access import Need, pod_for
from pods.services import inputs, terminals
from pods.toolbox import Arguments, Outcome, tool
from pods.tools.pods import Key

DIFF_MAX = 200_000  # characters in one answer: a model reads no more
SHOWN_MAX = 50  # changes and commits in the text


class OneWorkspace(Arguments):
    pod: Key
    refresh: bool = Field(
        default=False, description="Look again, not at what was found a moment ago."
    )


class GitLog(Arguments):
    pod: Key
    limit: int = Field(20, ge=1, le=200, description="Commits, newest first.")


class GitDiff(Arguments):
    pod: Key
    base: str = Field(
        "", max_length=200, description="HEAD or a name. Default: where its branch began."
    )
    path: str = Field("", max_length=1000, description="One file or folder.")
    cursor: str = Field("", max_length=200, description="The following page: “next” of an answer.")


@tool(OneWorkspace, read_only=True)
def get_workspace(actor: Actor, asked: OneWorkspace) -> Outcome:
    """How a Pod's Workspace stands: branch, commits ahead and behind, and files changed."""
    found = terminals.workspace(pod_for(actor, asked.pod, Need.READ), refresh=asked.refresh)
    if not found.get("git"):
        return Outcome(found, f"{asked.pod} works in a directory without git: {found['path']}.")
    lines = [
        f"{asked.pod} on {found['branch']}, from {found['base']}:"
        f" {found['ahead']} ahead, {found['behind']} behind, +{found['added']} -{found['removed']} lines."
    ]
    changes: list[dict[str, Any]] = found.get("changes") or []
    lines += [f"{change['status']} {change['path']}" for change in changes[:SHOWN_MAX]]
    return Outcome(found, "\n".join(lines if changes else [*lines, "Nothing uncommitted."]))


@tool(GitLog, read_only=True)
def get_git_log(actor: Actor, asked: GitLog) -> Outcome:
    """The commits a Pod has made on its branch, newest first."""
    found = terminals.workspace_log(pod_for(actor, asked.pod, Need.READ), limit=asked.limit)
    lines = [f"{each['hash'][:10]} {each['subject']}" for each in found["commits"][:SHOWN_MAX]]
    return Outcome(found, "\n".join(lines) or "No commits of its own yet.")


@tool(GitDiff, read_only=True)
def get_git_diff(actor: Actor, asked: GitDiff) -> Outcome:
    """What a Pod has changed since its branch began, committed or not, as a diff. Long ones come in pages."""
    pod = pod_for(actor, asked.pod, Need.READ)
    if asked.base not in {"", "HEAD"}:
        inputs.check_ref(asked.base, field="base")
    inputs.check_path(asked.path)
    found = terminals.workspace_diff(pod, base=asked.base, path=asked.path, cursor=asked.cursor)
    text = found["diff"] or "No changes."
    notes = [
        _note(file) for file in found.get("files", ()) if file.get("binary") or file.get("huge")
    ]
    if len(text) > DIFF_MAX:
        text, notes = text[:DIFF_MAX], [*notes, "(cut: ask for one path)"]
    if found.get("next"):
        notes.append(f"(more: ask again with cursor {found['next']})")
    shown = {name: value for name, value in found.items() if name != "diff"}
    shown["files"] = [{**file, "patch": ""} for file in found.get("files", ())]
    return Outcome(shown | {"diff": text}, "\n".join([text, *notes]))


def _note(file: dict[str, Any]) -> str:
    why = "binary" if file.get("binary") else "too large to show"
    return f"({file.get('path')}: {why}, {file.get('status')})"
