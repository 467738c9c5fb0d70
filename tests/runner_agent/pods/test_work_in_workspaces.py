"""What in a Workspace would be lost with it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.runner_agent.pods.rig import git
from tests.runner_agent.pods.test_workspaces import make, view_of, workspaces

__all__ = ["workspaces"]


async def test_a_workspace_as_it_was_made_has_no_work_in_it(workspaces, config, repository, jail):
    made = await make(workspaces, config, repository)
    assert await workspaces.work_in(made, view_of(config, made, jail)) == ""


def uncommitted(path):
    (path / "a.txt").write_text("changed")


def untracked(path):
    (path / "new.txt").write_text("new")


def staged(path):
    (path / "new.txt").write_text("new")
    git(path, "add", "new.txt")


def committed(path):
    git(path, "commit", "-q", "--allow-empty", "-m", "work")


def committed_elsewhere(path):
    git(path, "switch", "-q", "-c", "other")
    git(path, "commit", "-q", "--allow-empty", "-m", "work")
    git(path, "switch", "-q", "-")


def stashed(path):
    (path / "a.txt").write_text("changed")
    git(path, "stash")


def tagged(path):
    git(path, "commit", "-q", "--allow-empty", "-m", "work")
    git(path, "tag", "keep")
    git(path, "reset", "-q", "--hard", "HEAD~1")


def nested(path):
    (path / "sub").mkdir()
    git(path / "sub", "init", "-q")
    git(path / "sub", "commit", "-q", "--allow-empty", "-m", "work")


def unreadable(path):
    (path / ".git/HEAD").write_text("nonsense")


def without_git(path):
    shutil.rmtree(path / ".git")


def damaged_index(path):
    (path / ".git/index").write_text("damaged")


def overlooked(path):
    """Git is told to take a file for unchanged."""
    (path / "a.txt").write_text("changed")
    git(path, "update-index", "--assume-unchanged", "a.txt")


def skipped(path):
    (path / "a.txt").write_text("changed")
    git(path, "update-index", "--skip-worktree", "a.txt")


def untracked_and_hidden(path):
    (path / "new.txt").write_text("new")
    git(path, "config", "status.showUntrackedFiles", "no")


KINDS_OF_WORK = (
    *(uncommitted, untracked, staged, committed, committed_elsewhere, stashed, tagged),
    *(nested, unreadable, without_git, damaged_index, overlooked, skipped, untracked_and_hidden),
)


@pytest.mark.parametrize(
    "work",
    KINDS_OF_WORK,
)
@pytest.mark.parametrize("level", ["jail", "none"])
async def test_work_is_found(workspaces, config, repository, jail, work, level):
    made = await make(workspaces, config, repository)
    work(Path(made.path))
    view = view_of(config, made, replace(jail, level=level))
    assert await workspaces.work_in(made, view)


async def test_commits_that_were_pushed_are_not_work_any_more(workspaces, config, repository, jail):
    made = await make(workspaces, config, repository)
    committed(Path(made.path))
    git(made.path, "push", "-q", "origin", "HEAD")
    assert await workspaces.work_in(made, view_of(config, made, jail)) == ""


async def test_without_git_every_file_is_work(workspaces, config, jail):
    made = await make(workspaces, config, "")
    tree = Path(made.path)
    (tree / "note").write_text("x")
    view = view_of(config, made, jail)
    assert "note" in await workspaces.work_in(made, view)
    (tree / "note").unlink()
    assert await workspaces.work_in(made, view) == ""
