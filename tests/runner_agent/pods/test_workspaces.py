import asyncio
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from runner_agent.messages import CommandError
from runner_agent.places import places_of
from runner_agent.workspaces import git as git_module
from runner_agent.workspaces import repositories
from runner_agent.workspaces.git import GitError
from runner_agent.workspaces.git_view import GitView
from runner_agent.workspaces.spec import WorkspaceSpec
from runner_agent.workspaces.workspace import Workspaces
from tests.runner_agent.pods.rig import git

POD = "pod-abc234"


@pytest.fixture
def workspaces(config):
    return Workspaces(config)


def quiet(_line: str) -> None:
    pass


async def make(workspaces, config, repository, *, pod=POD, say=quiet, **asked):
    places = places_of(config, pod)
    places.make()
    spec = WorkspaceSpec(1, str(repository), asked.get("base", ""), asked.get("branch", ""))
    return await workspaces.prepare(pod, places, spec, say)


def files_in(path: str) -> list[str]:
    return sorted(one.name for one in Path(path).iterdir())


def exists(path: str) -> bool:
    return Path(path).exists()


def view_of(config, workspace, jail, pod=POD) -> GitView:
    return GitView(
        places_of(config, pod).git_view, Path(workspace.path), Path(workspace.cache), jail
    )


@pytest.mark.parametrize(
    ("base", "means"), [("", "main"), ("main", "main"), ("dev", "dev"), ("v1", "v1")]
)
async def test_a_branch_of_its_own_from_a_branch_or_a_tag(
    workspaces, config, repository, base, means
):
    made = await make(workspaces, config, repository, base=base)
    commit = git(repository, "rev-parse", f"{means}^{{commit}}")
    assert (made.base, made.base_commit, made.branch) == (means, commit, f"mesh/{POD}")
    assert git(made.path, "rev-parse", "HEAD") == commit
    assert git(made.path, "symbolic-ref", "--short", "HEAD") == f"mesh/{POD}"
    assert git(made.path, "status", "--porcelain") == ""
    assert git(made.path, "remote", "get-url", "origin") == str(repository)


async def test_from_a_commit_whole_or_short(workspaces, config, repository):
    commit = git(repository, "rev-parse", "HEAD~1")
    for pod, name in (("pod-1", commit), ("pod-2", commit[:10])):
        made = await make(workspaces, config, repository, pod=pod, base=name)
        assert made.base_commit == commit


async def test_the_chosen_branch_may_be_one_that_exists_upstream(workspaces, config, repository):
    made = await make(workspaces, config, repository, base="main", branch="dev")
    assert git(made.path, "rev-parse", "dev") == git(repository, "rev-parse", "main")


async def test_nothing_of_ours_is_in_the_tree(workspaces, config, repository):
    made = await make(workspaces, config, repository)
    assert files_in(made.path) == [".git", "a.txt", "b.txt"]
    assert not list((Path(made.path) / ".git/hooks").glob("*"))


async def test_its_objects_are_borrowed_from_the_cache(workspaces, config, repository):
    made = await make(workspaces, config, repository)
    assert not list((Path(made.path) / ".git/objects/pack").glob("*"))
    assert made.cache == str(config.repositories / f"_local{repository}.git")


async def test_what_was_pushed_since_is_fetched(workspaces, config, repository, monkeypatch):
    monkeypatch.setattr(repositories, "FRESH_S", 0.0)
    await make(workspaces, config, repository, pod="pod-1")
    git(repository, "commit", "-q", "--allow-empty", "-m", "newer")
    git(repository, "branch", "-D", "dev")
    git(repository, "branch", "dev/nested")
    made = await make(workspaces, config, repository, pod="pod-2")
    assert made.base_commit == git(repository, "rev-parse", "main")
    await make(workspaces, config, repository, pod="pod-3", base="dev/nested")


async def test_a_fetch_that_fails_deletes_nothing_and_the_cache_serves(
    workspaces, config, repository, monkeypatch
):
    monkeypatch.setattr(repositories, "FRESH_S", 0.0)
    await make(workspaces, config, repository, pod="pod-1")
    (repository / ".git/HEAD").unlink()  # no repository any more
    said = []
    made = await make(workspaces, config, repository, pod="pod-2", base="dev", say=said.append)
    assert made.base == "dev"
    assert any("could not be fetched" in line for line in said)
    with pytest.raises(CommandError) as refused:
        await make(workspaces, config, repository, pod="pod-3", base="nowhere")
    assert refused.value.code == "unreachable"


async def test_a_repository_that_cannot_be_cloned_leaves_nothing(workspaces, config, tmp_path):
    (tmp_path / "repositories/empty").mkdir(parents=True)
    with pytest.raises(CommandError) as refused:
        await make(workspaces, config, tmp_path / "repositories/empty")
    assert refused.value.code == "unreachable"
    assert not list(config.repositories.iterdir())
    assert not list(config.workspaces.iterdir())


async def test_an_unreachable_host_says_so(workspaces, config):
    with pytest.raises(CommandError) as refused:
        await make(workspaces, config, "https://127.0.0.1:1/x/y")
    assert refused.value.code == "unreachable"
    assert "127.0.0.1" in refused.value.message
    assert not list(config.repositories.iterdir())


async def test_a_repository_without_a_commit_says_so(workspaces, config, tmp_path):
    path = tmp_path / "repositories/new"
    path.mkdir(parents=True)
    git(path, "init", "-q")
    with pytest.raises(CommandError) as refused:
        await make(workspaces, config, path)
    assert refused.value.code == "bad_branch"
    assert "no commit yet" in refused.value.message


def unpack(cache) -> None:
    for pack in cache.glob("objects/pack/*.pack"):
        pack.rename(cache / "pack")
        with (cache / "pack").open("rb") as file:
            subprocess.run(("git", "unpack-objects", "-q"), cwd=cache, stdin=file, check=True)


async def test_a_checkout_that_fails_leaves_nothing(workspaces, config, repository):
    await make(workspaces, config, repository, pod="pod-1")
    cache = config.repositories / f"_local{repository}.git"
    unpack(cache)
    blob = git(repository, "rev-parse", "main:a.txt")
    (cache / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(CommandError) as refused:
        await make(workspaces, config, repository, pod="pod-2")
    assert refused.value.code == "workspace_failed"
    assert [p.name for p in config.workspaces.iterdir()] == ["pod-1"]


async def test_a_damaged_clone_in_the_cache_is_said_and_kept(workspaces, config, repository):
    await make(workspaces, config, repository, pod="pod-1")
    cache = config.repositories / f"_local{repository}.git"
    shutil.rmtree(cache / "objects/pack")
    with pytest.raises(CommandError) as refused:
        await make(workspaces, config, repository, pod="pod-2")
    assert refused.value.code == "workspace_failed"
    assert "damaged" in refused.value.message
    assert cache.exists()


async def test_several_pods_at_once_share_one_clone(workspaces, config, repository):
    async with asyncio.TaskGroup() as group:
        made = [
            group.create_task(make(workspaces, config, repository, pod=f"pod-{n}"))
            for n in range(6)
        ]
    assert len({task.result().path for task in made}) == 6
    assert len(list(config.repositories.glob("**/*.git"))) == 1


async def test_progress_is_said_while_it_clones(workspaces, config, repository):
    said = []
    await make(workspaces, config, repository, say=said.append)
    assert any("Receiving objects" in line for line in said)
    assert not any(str(config.repositories) in line for line in said)


async def test_a_workspace_that_is_there_is_never_touched(workspaces, config, repository):
    made = await make(workspaces, config, repository)
    with pytest.raises(CommandError) as refused:
        await make(workspaces, config, repository)
    assert refused.value.code == "workspace_exists"
    assert git(made.path, "status", "--porcelain") == ""


async def test_cancelled_git_is_gone_before_the_cancellation_is_through(tmp_path):
    git(tmp_path, "init", "-q")
    began, before = time.monotonic(), set(threading.enumerate())
    async with asyncio.TaskGroup() as group:
        task = group.create_task(git_module.git("cat-file", "--batch", cwd=tmp_path))
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()
    assert time.monotonic() - began < 10
    new = set(threading.enumerate()) - before
    assert not [t for t in new if t.name.startswith("Thread-") and t.is_alive()]


async def test_git_out_of_time_is_ended(tmp_path):
    git(tmp_path, "init", "-q")
    os.mkfifo(tmp_path / ".git/packed-refs")
    with pytest.raises(GitError) as error:
        await git_module.git("for-each-ref", cwd=tmp_path, timeout_s=0.2)
    assert "more than" in error.value.said
