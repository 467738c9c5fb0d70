import asyncio
import json
from pathlib import Path

import pytest

from runner_agent.pods import questions
from tests.runner_agent.pods.rig import git, supervised


async def asked(rig, kind: str, pod: str, **args):
    answer = await rig.ask(kind, pod, **args)
    assert not answer.error_code, answer.error
    return json.loads(answer.body)


async def pod_in(rig, repository, **workspace):
    host = await rig.start(
        ["sh", "-c", "echo ready; exec cat"],
        workspace={"id": 1, "repository_url": str(repository), **workspace},
    )
    await rig.shows(host, "ready")
    return host.pod, Path(rig.config.workspaces / host.pod)


async def test_how_a_workspace_stands(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository, base="dev")
        (tree / "new.txt").write_text("one\ntwo\n")
        git(tree, "commit", "-q", "--allow-empty", "-m", "mine")
        (tree / "a.txt").unlink()
        (tree / "naïve file.txt").write_text("x\n")
        git(tree, "add", "naïve file.txt")
        state = await asked(rig, "workspace", pod)
        assert state["path"] == str(tree)
        assert (state["branch"], state["base"]) == (f"mesh/{pod}", "dev")
        assert state["head"] == git(tree, "rev-parse", "HEAD")
        assert (state["ahead"], state["behind"]) == (1, 0)
        assert state["dirty"] is True
        assert {c["path"]: c["status"] for c in state["changes"]} == {
            "new.txt": "untracked",
            "a.txt": "deleted",
            "naïve file.txt": "added",
        }
        assert (state["files"], state["added"], state["removed"]) == (3, 3, 1)
        assert state["cached"] is False


async def test_commits_of_the_base_since_then_are_behind(config, repository, monkeypatch):
    monkeypatch.setattr("runner_agent.workspaces.repositories.FRESH_S", 0.0)
    async with supervised(config) as rig:
        pod, _ = await pod_in(rig, repository)
        git(repository, "commit", "-q", "--allow-empty", "-m", "theirs")
        await pod_in(rig, repository)
        state = await asked(rig, "workspace", pod)
        assert (state["ahead"], state["behind"]) == (0, 1)


async def test_an_answer_serves_for_a_moment_unless_asked_to_look_again(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(asked(rig, "workspace", pod)) for _ in range(3)]
        assert sorted(task.result()["cached"] for task in asking) == [False, True, True]
        (tree / "new").write_text("x")
        assert not (await asked(rig, "workspace", pod))["dirty"]
        again = await asked(rig, "workspace", pod, refresh=True)
        assert again["dirty"]
        assert not again["cached"]


async def test_the_log_holds_the_branchs_own_commits_newest_first(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        assert (await asked(rig, "log", pod))["commits"] == []
        for subject in ("first", "second: ünï “quoted”"):
            git(tree, "commit", "-q", "--allow-empty", "-m", subject)
        log = await asked(rig, "log", pod)
        assert [c["subject"] for c in log["commits"]] == ["second: ünï “quoted”", "first"]
        assert set(log["commits"][0]) == {"hash", "author", "email", "at", "subject"}
        assert len((await asked(rig, "log", pod, limit=1))["commits"]) == 1
        assert len((await asked(rig, "log", pod, all=True))["commits"]) == 4


@pytest.mark.parametrize(
    ("kind", "args", "code"),
    [
        ("diff", {"base": "--output=/tmp/x"}, "bad_branch"),
        ("diff", {"base": "nowhere"}, "bad_branch"),
        ("diff", {"path": "../../etc/passwd"}, "bad_path"),
        ("diff", {"path": "/etc/passwd"}, "bad_path"),
        ("diff", {"cursor": "HEAD.HEAD.1"}, "bad_cursor"),
        ("diff", {"cursor": f"{'1' * 40}.{'2' * 40}.0"}, "bad_cursor"),
        ("log", {"limit": "many"}, "bad_question"),
        ("output", {"offset": "x"}, "bad_question"),
        ("weather", {}, "unknown_question"),
    ],
)
async def test_a_question_that_is_none_is_answered_with_a_sentence(
    config, repository, kind, args, code
):
    async with supervised(config) as rig:
        pod, _ = await pod_in(rig, repository)
        answer = await rig.ask(kind, pod, **args)
        assert answer.error_code == code
        assert answer.error


@pytest.mark.parametrize("kind", ["screen", "output", "workspace", "log", "diff"])
async def test_an_unknown_pod(config, kind):
    async with supervised(config) as rig:
        assert (await rig.ask(kind, "pod-nowhere")).error_code == "unknown_pod"


async def test_a_directory_without_git(config):
    async with supervised(config) as rig:
        host = await rig.start(["cat"])
        state = await asked(rig, "workspace", host.pod)
        assert state["git"] is False
        assert state["path"] == str(config.workspaces / host.pod)
        assert (await rig.ask("log", host.pod)).error_code == "no_git"
        assert (await rig.ask("diff", host.pod)).error_code == "no_git"


async def test_a_workspace_that_is_gone_is_said(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        tree.rename(tree.with_name("elsewhere"))
        for kind in ("workspace", "log", "diff"):
            answer = await rig.ask(kind, pod)
            assert answer.error_code == "not_readable", answer


async def test_screen_and_output_of_a_pod(config):
    async with supervised(config) as rig:
        host = await rig.start(["sh", "-c", "printf 'hello'; exec cat"], cols=40, rows=5)
        await rig.shows(host, "hello")
        screen = await asked(rig, "screen", host.pod)
        assert screen["text"].startswith("hello")
        assert (screen["cols"], screen["rows"]) == (40, 5)
        answer = await rig.ask("output", host.pod, offset=2, limit=2)
        assert answer.body == b"ll"
        assert answer.headers == {"offset": "2", "end": "5"}


async def test_answers_are_kept_for_a_moment_only(config, repository, monkeypatch):
    monkeypatch.setattr(questions, "CACHED_S", 0.0)
    async with supervised(config) as rig:
        pod, _ = await pod_in(rig, repository)
        await asked(rig, "workspace", pod)
        assert not (await asked(rig, "workspace", pod))["cached"]
