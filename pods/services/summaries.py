"""How many lines a Workspace has changed: kept for the cards, which ask no Runner."""

from typing import Any

from pods.models import Pod, Workspace
from pods.news import announce

_COUNTS = ("added", "removed", "ahead")


def note_summary(pod: Pod, state: dict[str, Any]) -> None:
    """What its Runner says of its Workspace, where that is a repository."""
    if pod.workspace_id is None or state.get("git") is not True:
        return
    summary = {name: _count(state.get(name)) for name in _COUNTS} | {
        "dirty": bool(state.get("dirty"))
    }
    kept = Workspace.objects.filter(pk=pod.workspace_id)
    before = kept.values_list("summary", flat=True).first() or {}
    if any(before.get(name) != value for name, value in summary.items()):
        kept.update(summary={**summary, "as_of": str(state.get("as_of", ""))[:40]})
        announce(pod.organization_id, "workspace", pod.key)


def note_summary_of(runner_id: int, key: str, state: dict[str, Any]) -> None:
    """As a Runner says of a Pod: only of its own is it believed."""
    is_git = state.get("git") is True
    if is_git and (pod := Pod.objects.filter(key=key, runner_id=runner_id).first()):
        note_summary(pod, state)


def _count(said: object) -> int:
    return said if isinstance(said, int) and said >= 0 else 0
