"""Commit, push, keep, remove and restore: on real trees, in a real jail."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runner_agent.messages import Command, CommandError
from runner_agent.workspaces import trash
from tests.runner_agent.pods.rig import git, supervised, until
from tests.runner_agent.pods.test_questions import asked, pod_in


async def refused(rig, kind: str, pod: str, **payload) -> CommandError:
    with pytest.raises(CommandError) as error:
        await rig.do(kind, pod, **payload)
    return error.value


@pytest.fixture
def remote(repository, tmp_path) -> Path:
    """The repository, as a bare one that may be pushed to."""
    path = repository.with_name("remote.git")
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(path))
    return path


# ---- Commit


async def test_a_commit_holds_all_that_is_not_ignored(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        (tree / ".gitignore").write_text("secret\n")
        (tree / "secret").write_text("x")
        (tree / "new.txt").write_text("new\n")
        (tree / "b.txt").unlink()
        made = await rig.do("commit", pod, message="Say “hello”\n\n--amend is no option here")
        assert made == {
            "commit": git(tree, "rev-parse", "HEAD"),
            "files": 3,
            "branch": f"mesh/{pod}",
        }
        assert git(tree, "log", "-1", "--format=%an %B") == (
            f"{pod} Say “hello”\n\n--amend is no option here"
        )
        assert git(tree, "status", "--porcelain") == ""


async def test_a_commit_of_some_paths_leaves_the_others(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        for name in ("a.txt", "b.txt", "new *.txt", "new x.txt"):
            (tree / name).write_text("changed\n")
        git(tree, "add", "b.txt")
        made = await rig.do("commit", pod, message="Some", paths=["a.txt", "new *.txt"])
        assert made["files"] == 2
        assert git(tree, "status", "--porcelain").splitlines() == ["M  b.txt", '?? "new x.txt"']


async def test_a_commit_works_when_the_pod_has_ended(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        await rig.do("terminate", pod, grace_s=0)
        (tree / "a.txt").write_text("changed\n")
        assert (await rig.do("commit", pod, message="Late"))["files"] == 1


def without_identity(tree: Path) -> None:
    git(tree, "config", "user.useConfigOnly", "true")
    git(tree, "config", "user.email", "")
    git(tree, "config", "user.name", "")
    (tree / "a.txt").write_text("changed\n")


def with_a_hook_that_refuses(tree: Path) -> None:
    (tree / ".git/hooks").mkdir(exist_ok=True)
    hook = tree / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho the tests fail >&2\nexit 1\n")
    hook.chmod(0o755)
    (tree / "a.txt").write_text("changed\n")


def with_a_lock(tree: Path) -> None:
    (tree / ".git/index.lock").touch()
    (tree / "a.txt").write_text("changed\n")


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    [
        (lambda _tree: None, "nothing_to_commit", "nothing to commit"),
        (without_identity, "no_identity", "user.name"),
        (with_a_hook_that_refuses, "commit_failed", "the tests fail"),
        (with_a_lock, "git_busy", "Another git"),
    ],
)
async def test_why_a_commit_was_not_made_is_said(config, repository, damage, code, words):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        damage(tree)
        error = await refused(rig, "commit", pod, message="x")
        assert error.code == code
        assert words in error.message


async def test_a_hook_runs_in_the_jail(config, repository, tmp_path):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        (tree / ".git/hooks").mkdir(exist_ok=True)
        hook = tree / ".git/hooks/pre-commit"
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/trace here\nls {config.home} >&2\nexit 0\n")
        hook.chmod(0o755)
        (tree / "a.txt").write_text("changed\n")
        await rig.do("commit", pod, message="x")
        assert (tree / "here").exists()
        assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("payload", [{}, {"message": "  "}, {"message": "x", "paths": 3}])
async def test_a_payload_that_is_none(config, repository, payload):
    async with supervised(config) as rig:
        pod, _ = await pod_in(rig, repository)
        assert (await refused(rig, "commit", pod, **payload)).code == "bad_payload"


# ---- Push


async def test_a_push_to_a_repository_of_this_machine(config, remote):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, remote)
        git(tree, "commit", "-q", "--allow-empty", "-m", "mine")
        head = git(tree, "rev-parse", "HEAD")
        pushed = await rig.do("push", pod)
        assert pushed == {"remote": "origin", "branch": f"mesh/{pod}", "head": head}
        assert git(remote, "rev-parse", f"mesh/{pod}") == head
        assert git(tree, "rev-parse", f"origin/mesh/{pod}") == head
        assert (await rig.do("push", pod, branch="topic/x"))["branch"] == "topic/x"


def plant(tree: Path, trace: Path) -> None:
    """What the agent could have run in a push of its own."""
    program = tree / "program"
    program.write_text(f'#!/bin/sh\nenv > "{tree}/seen"\ntouch "{trace}"\nexit 0\n')
    program.chmod(0o755)
    (tree / ".git/hooks").mkdir(exist_ok=True)
    for hook in ("pre-push", "reference-transaction", "post-update", "pre-receive"):
        (tree / ".git/hooks" / hook).write_bytes(program.read_bytes())
        (tree / ".git/hooks" / hook).chmod(0o755)
    for name in ("credential.helper", "core.askPass", "core.sshCommand", "core.fsmonitor"):
        git(tree, "config", name, f"!{program}" if name.startswith("cred") else str(program))
    git(tree, "config", "remote.origin.receivepack", str(program))
    git(tree, "config", f"url.{tree}/elsewhere.insteadOf", "file")


async def test_a_push_with_a_secret_runs_nothing_of_the_agents(config, remote):
    """Nor does it go where the agent's configuration says."""
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, remote)
        git(tree, "commit", "-q", "--allow-empty", "-m", "mine")
        plant(tree, tree / "trace")
        command = Command("c9", 9, "push", pod, {"pod": pod}, secrets={"git_token": "t0p"})
        await rig.supervisor.do(command)
        assert git(remote, "rev-parse", f"mesh/{pod}")
        seen = (tree / "seen").read_text() if (tree / "seen").exists() else ""
        assert "t0p" not in seen


async def test_a_branch_that_went_on_is_refused_with_the_reason(config, remote, tmp_path):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, remote)
        git(tmp_path, "clone", "-q", str(remote), "other")
        git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "theirs")
        git(tmp_path / "other", "push", "-q", "origin", "HEAD:topic")
        git(tree, "commit", "-q", "--allow-empty", "-m", "mine")
        error = await refused(rig, "push", pod, branch="topic")
        assert error.code == "rejected"
        assert "lacks" in error.message


async def test_a_repository_that_wants_credentials_says_so(config, remote, basic_auth_server):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, remote)
        git(tree, "remote", "add", "locked", basic_auth_server)
        git(tree, "config", "protocol.http.allow", "always")
        error = await refused(rig, "push", pod, remote="locked")
        assert error.code == "no_credentials", error.message


@pytest.fixture
def basic_auth_server():
    """Answers every request with 401, as a repository that is not for everybody."""
    import http.server
    import threading

    class Locked(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Locked) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/x.git"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"remote": "nowhere"}, "no_remote"),
        ({"remote": "--upload-pack=x"}, "bad_remote"),
        ({"branch": "a..b"}, "bad_branch"),
        ({"branch": "-x"}, "bad_branch"),
    ],
)
async def test_a_push_to_nowhere(config, remote, payload, code):
    async with supervised(config) as rig:
        pod, _ = await pod_in(rig, remote)
        assert (await refused(rig, "push", pod, **payload)).code == code


# ---- Keep, remove, restore


def store_of(config, pod: str) -> Path:
    return config.kept / f"{pod}.git"


async def test_work_is_kept_outside_the_tree_when_the_pod_ends(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        (tree / "new.txt").write_text("uncommitted\n")
        git(tree, "switch", "-q", "-c", "other")
        git(tree, "commit", "-q", "--allow-empty", "-m", "elsewhere")
        other = git(tree, "rev-parse", "HEAD")
        git(tree, "switch", "-q", "-")
        await rig.do("terminate", pod, grace_s=0)
        store = await until(lambda: store_of(config, pod) if store_of(config, pod).exists() else 0)
        ref = await until(lambda: git(store, "for-each-ref", "--format=%(refname)"))
        assert git(store, "show", f"{ref}:new.txt") == "uncommitted"
        assert other in git(store, "rev-list", ref).split()
        assert git(tree, "status", "--porcelain") == "?? new.txt"


async def test_a_snapshot_of_nothing_new_is_none(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        head = git(tree, "rev-parse", "HEAD")
        assert await rig.do("snapshot", pod) == {"kept": "", "head": head}
        (tree / "new.txt").write_text("x\n")
        first, again = [await rig.do("snapshot", pod) for _ in range(2)]
        assert first["kept"]
        assert again == first
        (tree / "new.txt").write_text("y\n")
        assert (await rig.do("snapshot", pod))["kept"] != first["kept"]


async def test_an_unused_workspace_goes_to_the_trash_and_comes_back(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        home = rig.supervisor._records.places(pod).home
        (home / "note").write_text("mine")
        await rig.do("terminate", pod, grace_s=0)
        removed = await rig.do("remove", pod)
        assert removed["removed"] is True
        assert "until" in removed
        assert not tree.exists()
        assert not home.exists()
        assert (await rig.do("remove", pod))["removed"] is True
        assert await rig.do("restore", pod) == {"restored": True}
        assert (tree / "a.txt").exists()
        assert (home / "note").read_text() == "mine"
        assert (await refused(rig, "restore", pod)).code == "not_in_trash"
        assert (await asked(rig, "workspace", pod))["dirty"] is False


async def test_work_stops_a_removal_unless_it_is_asked_for_by_name(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        (tree / "a.txt").write_text("changed\n")
        await rig.do("terminate", pod, grace_s=0)
        error = await refused(rig, "remove", pod)
        assert error.code == "has_work"
        assert "a.txt" in error.message
        assert tree.exists()
        removed = await rig.do("remove", pod, force=True)
        assert git(store_of(config, pod), "show", f"{removed['kept']}:a.txt") == "changed"
        assert not tree.exists()


async def test_a_workspace_in_use_stays(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        assert (await refused(rig, "remove", pod, force=True)).code == "workspace_busy"
        assert tree.exists()


async def test_work_that_cannot_be_kept_stays_where_it_is(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        await rig.do("terminate", pod, grace_s=0)
        (tree / ".git/HEAD").write_text("nonsense")
        assert (await refused(rig, "remove", pod)).code == "has_work"
        assert tree.exists()
        assert (await rig.do("remove", pod, force=True))["removed"] is True
        assert (config.removed / pod / "workspace/a.txt").exists()


async def test_a_link_in_the_place_of_a_workspace_is_not_followed(config, tmp_path):
    async with supervised(replace(config, isolation="none")) as rig:
        host = await rig.start(["true"])
        await host.ended()
        victim = tmp_path / "victim"
        victim.mkdir()
        (victim / "precious").write_text("x")
        place = config.workspaces / host.pod
        place.rmdir()
        place.symlink_to(victim)
        await rig.do("remove", host.pod, force=True)
        assert not list(config.workspaces.glob("*"))
        assert (victim / "precious").exists()


def test_the_trash_is_emptied_after_fourteen_days(tmp_path):
    bin_ = trash.Trash(tmp_path / "removed", tmp_path / "graves")
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        bin_.bury(name, {"workspace": tmp_path / name}, "test")
    about = tmp_path / "removed/old/about.json"
    held = json.loads(about.read_text())
    about.write_text(json.dumps({**held, "at": held["at"] - trash.KEPT_FOR_S}))
    assert bin_.prune() == ["old"]
    assert not bin_.holds("old")
    assert bin_.holds("new")
    with pytest.raises(CommandError) as error:
        bin_.restore("old")
    assert error.value.code == "not_in_trash"


def test_what_is_there_again_is_not_overwritten(tmp_path):
    bin_ = trash.Trash(tmp_path / "removed", tmp_path / "graves")
    place = tmp_path / "tree"
    place.mkdir()
    bin_.bury("pod-a", {"workspace": place}, "test")
    place.mkdir()
    with pytest.raises(CommandError) as error:
        bin_.restore("pod-a")
    assert error.value.code == "in_the_way"
    assert bin_.holds("pod-a")


async def test_a_store_of_snapshots_is_shown_to_no_pod(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        (tree / "new.txt").write_text("x\n")
        await rig.do("snapshot", pod)
        result = await rig.do("execute", pod, argv=["ls", str(config.kept)])
        assert result["exit_code"] != 0


async def test_without_git_there_is_nothing_to_commit_push_or_keep(config):
    async with supervised(config) as rig:
        host = await rig.start(["cat"])
        for kind in ("commit", "push", "snapshot"):
            assert (await refused(rig, kind, host.pod, message="x")).code == "no_git"
