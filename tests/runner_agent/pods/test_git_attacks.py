"""What an agent may plant in its Workspace to run code in the Runner's own look at it."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_agent.jail.confine import Isolation
from runner_agent.workspaces import git_diff
from runner_agent.workspaces.git_status import standing
from runner_agent.workspaces.git_tree import tree_of, whole_tree_of
from runner_agent.workspaces.git_view import GitView, ViewError
from tests.runner_agent.pods.rig import git


class Planted:
    """A working tree with a change in it, and a program that would leave a trace."""

    def __init__(self, root: Path, repository: Path) -> None:
        self.root, self.tree = root, root / "tree"
        self.cache = root / "cache.git"
        git(root, "clone", "-q", "--bare", "--no-local", str(repository), str(self.cache))
        git(root, "clone", "-q", "--shared", str(self.cache), str(self.tree))
        self.base = git(self.tree, "rev-parse", "HEAD")
        self.trace, self.program = root / "TRACE", root / "program"
        self.program.write_text(f"#!/bin/sh\ntouch {self.trace}\ncat\n")
        self.program.chmod(0o755)
        (self.tree / "a.txt").write_text("changed\n")

    @property
    def gitdir(self) -> Path:
        return self.tree / ".git"

    def config(self, name: str, value: object) -> None:
        git(self.tree, "config", name, str(value))

    def attributes(self, text: str) -> None:
        (self.tree / ".gitattributes").write_text(text)


def file_system_monitor(planted: Planted) -> None:
    planted.config("core.fsmonitor", planted.program)


def filter_driver(planted: Planted) -> None:
    planted.attributes("* filter=zzz\n")
    for kind in ("clean", "smudge", "process"):
        planted.config(f"filter.zzz.{kind}", planted.program)


def filter_by_info_attributes(planted: Planted) -> None:
    (planted.gitdir / "info").mkdir(exist_ok=True)
    (planted.gitdir / "info/attributes").write_text("* filter=zzz diff=zzz\n")
    planted.config("filter.zzz.clean", planted.program)
    planted.config("diff.zzz.textconv", planted.program)


def text_converter(planted: Planted) -> None:
    planted.attributes("* diff=zzz\n")
    planted.config("diff.zzz.textconv", planted.program)
    planted.config("diff.zzz.command", planted.program)


def external_diff(planted: Planted) -> None:
    planted.config("diff.external", planted.program)


def hooks(planted: Planted) -> None:
    directory = planted.gitdir / "hooks"
    directory.mkdir(exist_ok=True)
    for name in ("post-index-change", "reference-transaction", "pre-commit", "post-checkout"):
        shutil.copy(planted.program, directory / name)


def hooks_elsewhere(planted: Planted) -> None:
    hooks(planted)
    planted.config("core.hooksPath", planted.gitdir / "hooks")


def pager(planted: Planted) -> None:
    planted.config("core.pager", planted.program)
    for command in ("log", "diff", "status"):
        planted.config(f"pager.{command}", planted.program)


def signatures(planted: Planted) -> None:
    planted.config("gpg.program", planted.program)
    planted.config("gpg.ssh.program", planted.program)
    planted.config("log.showSignature", "true")


def alias(planted: Planted) -> None:
    for command in ("status", "diff", "log", "rev-parse"):
        planted.config(f"alias.{command}", f"!{planted.program}")


def included_configuration(planted: Planted) -> None:
    (planted.tree / "more").write_text(f"[core]\n\tfsmonitor = {planted.program}\n")
    planted.config("include.path", planted.tree / "more")


def worktree_configuration(planted: Planted) -> None:
    planted.config("extensions.worktreeConfig", "true")
    (planted.gitdir / "config.worktree").write_text(f"[core]\n\tfsmonitor = {planted.program}\n")


def embedded_repository(planted: Planted) -> None:
    sub = planted.tree / "sub"
    sub.mkdir()
    git(sub, "init", "-q")
    git(sub, "commit", "-q", "--allow-empty", "-m", "s")
    git(planted.tree, "add", "sub")
    git(planted.tree, "commit", "-q", "-m", "sub", "--", "sub")
    git(sub, "config", "core.fsmonitor", str(planted.program))
    git(sub, "config", "status.submoduleSummary", "true")


def filter_in_an_embedded_repository(planted: Planted) -> None:
    """Git that asks whether it is clean runs its filters."""
    embedded_repository(planted)
    sub = planted.tree / "sub"
    (sub / "file").write_text("x\n")
    git(sub, "add", "file")
    git(sub, "commit", "-q", "-m", "file")
    (sub / ".gitattributes").write_text("* filter=zzz\n")
    for kind in ("clean", "smudge", "process"):
        git(sub, "config", f"filter.zzz.{kind}", str(planted.program))
    (sub / "file").write_text("y\n")


def submodule_that_is_asked_for(planted: Planted) -> None:
    filter_in_an_embedded_repository(planted)
    (planted.tree / ".gitmodules").write_text(
        '[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n\tignore = none\n'
    )
    planted.config("diff.ignoreSubmodules", "none")
    planted.config("diff.submodule", "diff")
    planted.config("status.submoduleSummary", "true")


def attributes_of_every_kind(planted: Planted) -> None:
    planted.attributes("* merge=zzz ident text=auto eol=crlf export-subst whitespace=-all\n")
    planted.config("merge.zzz.driver", planted.program)
    planted.config("core.autocrlf", "true")


def sparse_and_split_index(planted: Planted) -> None:
    planted.config("core.splitIndex", "true")
    planted.config("core.sparseCheckout", "true")
    planted.config("core.fsmonitorHookVersion", "2")
    git(planted.tree, "update-index", "--split-index")


def index_that_trusts_a_monitor(planted: Planted) -> None:
    planted.config("core.fsmonitor", planted.program)
    git(planted.tree, "update-index", "--fsmonitor")
    git(planted.tree, "update-index", "--untracked-cache")


def evil_repository(planted: Planted) -> Path:
    evil = planted.tree / "evil"
    evil.mkdir()
    git(evil, "init", "-q")
    git(evil, "commit", "-q", "--allow-empty", "-m", "e")
    git(evil, "config", "core.fsmonitor", str(planted.program))
    return evil / ".git"


def gitdir_replaced_by_a_repository(planted: Planted) -> None:
    evil = evil_repository(planted)
    shutil.rmtree(planted.gitdir)
    shutil.move(evil, planted.gitdir)


def gitdir_replaced_by_a_file(planted: Planted) -> None:
    evil = evil_repository(planted)
    shutil.rmtree(planted.gitdir)
    planted.gitdir.write_text(f"gitdir: {evil}\n")


def gitdir_replaced_by_a_link(planted: Planted) -> None:
    evil = evil_repository(planted)
    shutil.move(planted.gitdir, planted.tree / "old")
    planted.gitdir.symlink_to(evil)


def common_directory(planted: Planted) -> None:
    evil = evil_repository(planted)
    (planted.gitdir / "commondir").write_text(f"{evil}\n")


def alternates(planted: Planted) -> None:
    with (planted.gitdir / "objects/info/alternates").open("a") as file:
        file.write("/nonexistent\n/etc\n")


def credentials_and_ssh(planted: Planted) -> None:
    planted.config("credential.helper", f"!{planted.program}")
    planted.config("core.sshCommand", planted.program)
    planted.config("core.gitProxy", planted.program)
    planted.config("core.askPass", planted.program)
    planted.config("core.editor", planted.program)


def lazy_objects(planted: Planted) -> None:
    """A partial clone would fetch what is missing, by a program of the agent's choice."""
    planted.config("extensions.partialClone", "origin")
    planted.config("remote.origin.promisor", "true")
    planted.config("remote.origin.url", f"ext::{planted.program}")
    planted.config("protocol.ext.allow", "always")
    (planted.gitdir / "refs/heads/lost").write_text("1" * 40 + "\n")


ATTACKS: list[Callable[[Planted], None]] = [
    *(file_system_monitor, filter_driver, filter_by_info_attributes, text_converter, external_diff),
    *(hooks, hooks_elsewhere, pager, signatures, alias, included_configuration),
    *(worktree_configuration, embedded_repository, gitdir_replaced_by_a_repository),
    *(gitdir_replaced_by_a_file, gitdir_replaced_by_a_link, common_directory, alternates),
    *(credentials_and_ssh, lazy_objects, filter_in_an_embedded_repository),
    *(submodule_that_is_asked_for, attributes_of_every_kind, sparse_and_split_index),
    *(index_that_trusts_a_monitor,),
]


@pytest.fixture
def planted(tmp_path, repository) -> Planted:
    (tmp_path / "planted").mkdir()
    return Planted(tmp_path / "planted", repository)


async def look(view: GitView, base: str) -> list[str]:
    """Everything the Runner ever asks; what could not be answered."""

    async def differences() -> None:
        tree = await tree_of(view, await standing(view))
        files = await git_diff.files_between(view, base, tree)
        await git_diff.page_of(view, base, tree, files, 0)

    async def whole_tree() -> None:
        await whole_tree_of(view, await view.head())

    problems = []
    for ask in (
        lambda: standing(view),
        lambda: view.git("log", "--all", "--"),
        view.head,
        view.branch,
        lambda: view.resolve("main"),
        lambda: view.ahead_behind(base),
        lambda: view.commits_beyond([base]),
        differences,
        whole_tree,
    ):
        try:
            await ask()
        except ViewError as error:
            problems.append(str(error))
    return problems


@pytest.mark.parametrize("level", ["jail", "none"])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
async def test_looking_at_a_repository_runs_nothing_in_it(planted, jail, attack, level, tmp_path):
    attack(planted)
    planted.trace.unlink(missing_ok=True)  # a few plant with the git they attack
    isolation = jail if level == "jail" else Isolation("none")
    view = GitView(tmp_path / "view", planted.tree, planted.cache, isolation)
    await look(view, planted.base)
    assert not planted.trace.exists()


def test_the_trace_is_left_by_a_careless_look(planted):
    """That the attacks above are real ones."""
    file_system_monitor(planted)
    git(planted.tree, "status")
    assert planted.trace.exists()


async def test_a_plain_look_finds_everything(planted, jail, tmp_path):
    view = GitView(tmp_path / "view", planted.tree, planted.cache, jail)
    assert not await look(view, planted.base)


# ---- what is not a repository at all


def pipe_for_head(planted: Planted) -> None:
    (planted.gitdir / "HEAD").unlink()
    os.mkfifo(planted.gitdir / "HEAD")


def link_for_head(planted: Planted) -> None:
    (planted.gitdir / "HEAD").unlink()
    (planted.gitdir / "HEAD").symlink_to("/etc/passwd")


def endless_head(planted: Planted) -> None:
    (planted.gitdir / "HEAD").write_text("ref: refs/heads/" + "x" * 100_000)


def pipe_for_index(planted: Planted) -> None:
    (planted.gitdir / "index").unlink()
    os.mkfifo(planted.gitdir / "index")


def pipe_for_packed_refs(planted: Planted) -> None:
    (planted.gitdir / "packed-refs").unlink(missing_ok=True)
    os.mkfifo(planted.gitdir / "packed-refs")


@pytest.mark.parametrize(
    "damage", [pipe_for_head, link_for_head, endless_head, pipe_for_index, pipe_for_packed_refs]
)
async def test_what_would_hold_git_up_ends_in_a_sentence(
    planted, jail, damage, tmp_path, monkeypatch
):
    monkeypatch.setattr("runner_agent.workspaces.git_view.TIME_LIMIT_S", 0.25)
    damage(planted)
    view = GitView(tmp_path / "view", planted.tree, planted.cache, jail)
    assert await look(view, planted.base)


async def test_the_agents_files_are_left_as_they_are(planted, jail, tmp_path):
    def state() -> list[tuple[str, int, int]]:
        found = sorted(planted.tree.glob("**/*"))
        return [(str(p), stat.S_IMODE(p.lstat().st_mode), p.lstat().st_mtime_ns) for p in found]

    before = state()
    await look(GitView(tmp_path / "view", planted.tree, planted.cache, jail), planted.base)
    await look(
        GitView(tmp_path / "other", planted.tree, planted.cache, Isolation("none")), planted.base
    )
    assert state() == before
