"""How a Workspace stands: what is checked out, and which files differ from it. One git command."""

from dataclasses import dataclass, field

from runner_agent.workspaces.git_view import Asked, GitView

LIMIT = 16 << 20  # bytes; some hundred thousand changed files
_STATUSES = {
    "M": "modified",
    "T": "modified",
    "A": "added",
    "D": "deleted",
    "R": "renamed",
    "C": "copied",
    "U": "conflicted",
    "?": "untracked",
}
_WORDS = (
    *("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all"),
    *("--ignore-submodules=all", "--no-ahead-behind"),
)
_FIELDS = {"1": 8, "2": 9, "u": 10}  # before the path, by the kind of line


@dataclass(frozen=True, slots=True)
class Change:
    """`old`: where a renamed file was. Paths may hold surrogates: see git_view.plain."""

    path: str
    status: str  # a word of _STATUSES
    old: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """`head` empty: no commit yet. `branch` empty: none is checked out."""

    head: str
    branch: str
    changes: list[Change] = field(default_factory=list)


async def standing(view: GitView) -> Standing:
    said = await view.git(*_WORDS, asked=Asked(limit=LIMIT))
    return read(said.text)


def read(text: str) -> Standing:
    """From `git status --porcelain=v2 --branch -z`."""
    head, branch, changes = "", "", []
    entries = iter(text.split("\0"))
    for entry in entries:
        kind, _, rest = entry.partition(" ")
        match kind:
            case "#":
                name, _, value = rest.partition(" ")
                if name == "branch.oid" and value != "(initial)":
                    head = value
                elif name == "branch.head" and value != "(detached)":
                    branch = value
            case "?":
                changes.append(Change(rest, "untracked"))
            case "1" | "2" | "u":
                old = next(entries, "") if kind == "2" else ""
                changes.append(_changed(kind, rest, old))
    return Standing(head, branch, changes)


def _changed(kind: str, rest: str, old: str) -> Change:
    *fields, path = rest.split(" ", _FIELDS[kind] - 1)
    letters = fields[0].replace(".", "")
    letter = "U" if kind == "u" else letters[:1]
    return Change(path, _STATUSES.get(letter, "modified"), old)
