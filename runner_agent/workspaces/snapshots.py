"""Work that is nowhere else, kept in a repository of the Runner's own: uncommitted files, and commits nobody published.

One commit holds it all: its tree is the files as they are, its parents are HEAD, the branches, the tags and the stash.
It is made by plumbing in our own directory and reaches `kept/<pod>.git` as a bundle, so that git never serves, and
never obeys, the agent's repository. That store borrows from the clone cache, and no Pod is shown it.
"""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runner_agent.workspaces.git import git
from runner_agent.workspaces.git_tree import tree_id, whole_tree_of
from runner_agent.workspaces.git_view import LONG, Asked, GitView, replace

_WHO = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Mesh"), ("EMAIL", "mesh@mesh.invalid"))
}
_CONFIG = b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`commit` holds the files and all commits, as `ref` of the store; both empty if everything is known elsewhere.

    `head`: what was checked out. `tree`: of the files.
    """

    commit: str
    head: str
    tree: str
    ref: str = ""


async def keep(view: GitView, store: Path, known: list[str], why: str) -> Snapshot:
    """Keep what none of `known` commits has. ViewError or GitError when it cannot be kept; then nothing is."""
    head = await view.head()
    tree = await whole_tree_of(view, head)
    if head and tree == await tree_id(view, head) and not await _beyond(view, known):
        return Snapshot("", head, tree)
    parents = list(dict.fromkeys(filter(None, [head, *await _tips(view)])))
    kept = await last(store)
    if kept and (kept.tree, kept.parents) == (tree, parents):
        return Snapshot(kept.commit, head, tree, kept.ref)
    options = [word for parent in parents for word in ("-p", parent)]
    made = await view.git("commit-tree", tree, *options, "-m", why, asked=Asked(env=_WHO))
    commit = made.text.strip()
    bundle = await _bundled(view, commit, known)
    return Snapshot(commit, head, tree, await _take(store, view.cache, bundle))


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot in the store. The first parent was checked out."""

    ref: str
    commit: str
    tree: str
    parents: list[str]


async def last(store: Path) -> Kept | None:
    """The newest snapshot. GitError."""
    if not _is_there(store):
        return None
    form = "--format=%(refname) %(objectname) %(tree) %(parent)"
    words = ("for-each-ref", "--sort=-refname", "--count=1", form, "refs/kept")
    found = (await git(*words, cwd=store)).split()
    return Kept(found[0], found[1], found[2], found[3:]) if found else None


async def _beyond(view: GitView, known: list[str]) -> bool:
    """Whether there are commits that none of `known` has; what the agent says it pushed does not count."""
    words = ("rev-list", "--max-count=1", "HEAD", "--all", "--not", *known, "--")
    return bool((await view.git(*words)).text.strip())


async def _tips(view: GitView) -> list[str]:
    """Commits of branches, tags and the stash, each once."""
    form = "--format=%(if)%(*objectname)%(then)%(*objecttype) %(*objectname)%(else)%(objecttype) %(objectname)%(end)"
    names = ("refs/heads", "refs/tags", "refs/stash")
    said = await view.git("for-each-ref", "--sort=refname", form, *names)
    rows = [line.split(" ") for line in said.text.splitlines()]
    return [row[1] for row in rows if row[0] == "commit"]


async def _bundled(view: GitView, commit: str, known: list[str]) -> Path:
    """A file with this commit and all that `known` ones lack of its history."""
    place = view.directory / "bundling"
    (place / "refs").mkdir(parents=True, exist_ok=True)
    replace(place / "config", _CONFIG)
    replace(place / "HEAD", f"{commit}\n".encode())
    bundle = view.directory / "kept.bundle"
    without = [f"^{each}" for each in known]
    asked = Asked(env={"GIT_DIR": str(place)}, timeout_s=LONG)
    await view.git("bundle", "create", "-q", str(bundle), "HEAD", *without, asked=asked)
    return bundle


async def _take(store: Path, cache: Path, bundle: Path) -> str:
    """The ref that holds it from now on."""
    await _make(store, cache)
    ref = datetime.now(UTC).strftime("refs/kept/%Y%m%dT%H%M%S%fZ")
    words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", str(bundle))
    try:
        await git(*words, f"HEAD:{ref}", cwd=store, protocol="file", timeout_s=LONG)
    finally:
        await asyncio.to_thread(bundle.unlink, missing_ok=True)
    return ref


async def _make(store: Path, cache: Path) -> None:
    """Whole, or not there."""
    if _is_there(store):
        return
    store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = store.with_name(f".{store.name}.{secrets.token_hex(4)}")
    await git("init", "--quiet", "--bare", "--template=", "--", str(draft), cwd=store.parent)
    (draft / "objects/info").mkdir(exist_ok=True)
    (draft / "objects/info/alternates").write_text(f"{cache / 'objects'}\n")
    draft.rename(store)


def _is_there(store: Path) -> bool:
    return store.is_dir()
