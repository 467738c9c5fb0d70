"""Workspaces that begin where another stands, conversations that are copied, with files of a person's, after a script, and from a tree made ahead."""

import shutil
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from runner_agent.messages import CommandError
from runner_agent.pods import whole_databases
from runner_agent.workspaces import checkouts
from tests.runner_agent.pods import test_declared_agents as agents
from tests.runner_agent.pods.rig import git, new_key, supervised, until
from tests.runner_agent.pods.test_questions import asked, pod_in

TMP = Path("/tmp")


def names_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


async def start(rig, repository, argv=("sh", "-c", "echo ready; exec cat"), **workspace):
    host = await rig.start(
        list(argv), workspace={"id": 1, "repository_url": str(repository), **workspace}
    )
    return host.pod, Path(rig.config.workspaces / host.pod)


async def not_started(rig, repository, **workspace) -> CommandError:
    pod = new_key()
    with pytest.raises(CommandError) as error:
        await start_named(rig, pod, repository, **workspace)
    assert rig.supervisor.record(pod) is None
    assert not list(rig.config.workspaces.glob(f"*{pod}*"))
    return error.value


async def start_named(rig, pod, repository, **workspace):
    await rig.do(
        "start",
        pod,
        argv=["cat"],
        workspace={"id": 1, "repository_url": str(repository), **workspace},
    )


# ---- Forks


async def test_a_fork_begins_where_the_other_stands_uncommitted_work_included(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        git(tree, "commit", "-q", "--allow-empty", "-m", "mine")
        (tree / "a.txt").write_text("changed\n")
        (tree / "b.txt").unlink()
        (tree / "new.txt").write_text("new\n")
        (tree / "new.txt").chmod(0o755)
        before = git(tree, "status", "--porcelain")
        forked, its = await start(rig, repository, fork_of=pod)
        assert git(its, "rev-parse", "HEAD") == git(tree, "rev-parse", "HEAD")
        assert git(its, "symbolic-ref", "--short", "HEAD") == f"mesh/{forked}"
        assert git(its, "status", "--porcelain") == before
        assert (its / "a.txt").read_text() == "changed\n"
        assert stat.S_IMODE((its / "new.txt").stat().st_mode) & 0o100
        assert git(tree, "status", "--porcelain") == before
        assert git(its, "for-each-ref", "refs/mesh") == ""
        (its / "a.txt").write_text("on its own\n")
        assert (tree / "a.txt").read_text() == "changed\n"
        state = await asked(rig, "workspace", forked)
        assert (state["base"], state["ahead"]) == ("main", 1)


async def test_a_fork_of_one_that_was_removed_begins_with_what_was_kept(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        (tree / "new.txt").write_text("uncommitted\n")
        await rig.do("terminate", pod, grace_s=0)
        await rig.do("remove", pod, force=True)
        _, its = await start(rig, repository, fork_of=pod)
        assert (its / "new.txt").read_text() == "uncommitted\n"


async def test_a_fork_of_a_fork(config, repository):
    async with supervised(config) as rig:
        pod, tree = await pod_in(rig, repository)
        (tree / "one.txt").write_text("1\n")
        second, its = await start(rig, repository, fork_of=pod)
        (its / "two.txt").write_text("2\n")
        _, last = await start(rig, repository, fork_of=second)
        assert {"one.txt", "two.txt"} <= {path.name for path in last.iterdir()}


@pytest.mark.parametrize(
    ("of", "code"), [("pod-nowhere", "unknown_pod"), ("no git", "fork_failed")]
)
async def test_what_cannot_be_forked(config, repository, of, code):
    async with supervised(config) as rig:
        if of == "no git":
            of = (await rig.start(["cat"])).pod
        assert (await not_started(rig, repository, fork_of=of)).code == code


# ---- Conversations that are copied

FIT = (
    'echo "from $1"; pwd > $HOME/where; test -s $HOME/.agent/config.json; '
    'sed -i "s#$2#$3#" $HOME/talk; echo fitted >> $HOME/talk'
)


def an_agent(*before: str):
    launch = {**agents.declared()["launch"], "before_fork": list(before)}
    return agents.declared(launch=launch)


async def test_what_an_agent_noted_of_directories_is_fitted_before_its_fork_and_only_then(config):
    places = ("{forked_home}", "{forked_workspace}", "{workspace}")
    agent = an_agent("sh", "-ec", FIT, "sh", *places)
    async with supervised(config) as rig:
        first = await agents.start(rig, agent=agent)
        await rig.do("execute", first.pod, argv=["sh", "-c", "pwd > $HOME/talk"])
        talk = config.homes / first.pod / "talk"
        said = talk.read_text()
        second = await agents.start(rig, agent=agent, resumes=first.pod, fork=True)
        theirs = config.homes / second.pod
        its = str(config.workspaces / second.pod)
        assert (theirs / "talk").read_text() == f"{its}\nfitted\n"
        assert (theirs / "where").read_text() == f"{its}\n"
        assert talk.read_text() == said
        assert not (talk.parent / "where").exists()
        told = {(p.pod, p.step, p.text) for p in rig.outbox.progresses}
        assert (second.pod, "agent", f"from {config.homes / first.pod}") in told
        await rig.do("terminate", second.pod, grace_s=0)
        third = await agents.start(rig, agent=agent, resumes=second.pod, resume=True)
        await rig.shows(third, "again|")
        assert (theirs / "talk").read_text().count("fitted") == 1


async def test_a_fork_that_cannot_be_fitted_says_why_and_leaves_nothing(config):
    agent = an_agent("sh", "-c", "echo no such conversation >&2; exit 3")
    async with supervised(config) as rig:
        first = await agents.start(rig, agent=agent)
        pod = new_key()
        with pytest.raises(CommandError) as error:
            await agents.start(rig, pod, agent=agent, resumes=first.pod, fork=True)
        assert error.value.code == "fork_failed"
        assert "ended with 3: no such conversation" in error.value.message
        assert rig.supervisor.record(pod) is None
        assert names_in(config.homes) == {first.pod}


def test_a_database_that_was_written_while_it_was_copied_becomes_whole(tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    with closing(sqlite3.connect(theirs / "talk.db", isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE said (words)")
        said = [(f"{number} " * 2000,) for number in range(50)]
        writer.executemany("INSERT INTO said VALUES (?)", said)
        shutil.copytree(theirs, ours)  # and only then what was put into the file meanwhile
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        writer.execute("INSERT INTO said VALUES ('last')")
        shutil.copyfile(theirs / "talk.db-wal", ours / "talk.db-wal")
        whole_databases.copy_again(theirs, ours)
    with closing(sqlite3.connect(ours / "talk.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT words FROM said").fetchall() == [*said, ("last",)]
    assert names_in(ours) == {"talk.db"}


WRITER = """
import sqlite3, sys
writer = sqlite3.connect(sys.argv[1], isolation_level=None)
writer.execute("PRAGMA journal_mode = WAL")
writer.execute("CREATE TABLE said (words)")
writer.execute("INSERT INTO said VALUES ('hello')")
print("written", flush=True)
sys.stdin.read()
"""


async def test_a_fork_has_what_its_agent_holds_open_in_a_database(config):
    async with supervised(config) as rig:
        launch = {"argv": ["python3", "-c", WRITER, "{home}/talk.db"], "fork": ["cat"]}
        agent = agents.declared(launch={**agents.declared()["launch"], **launch})
        first = await agents.start(rig, agent=agent)
        await rig.shows(first, "written")
        second = await agents.start(rig, agent=agent, resumes=first.pod, fork=True)
        home = config.homes / second.pod
        assert not {"talk.db-wal", "talk.db-shm"} & names_in(home)
        with closing(sqlite3.connect(home / "talk.db")) as copy:
            assert copy.execute("SELECT words FROM said").fetchall() == [("hello",)]


async def test_a_fork_is_given_no_login_that_only_the_other_has(config, tmp_path, monkeypatch):
    login = tmp_path / "user" / ".sample" / "login.json"
    login.parent.mkdir(parents=True)
    login.write_text("token")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    async with supervised(replace(config, allow_login=True)) as rig:
        first = await agents.start(rig, use_login=True)
        assert (config.homes / first.pod / ".sample" / "login.json").exists()
        second = await agents.start(rig, resumes=first.pod, fork=True)
        assert not (config.homes / second.pod / ".sample" / "login.json").exists()
        assert (config.homes / first.pod / ".sample" / "login.json").exists()


# ---- Ignored files


@pytest.fixture
def mine(tmp_path, config, repository) -> Path:
    """A directory the operator allows, and a repository that ignores some of what is in it."""
    git(repository, "switch", "-q", "main")
    (repository / ".gitignore").write_text(".env\nnode_modules/\n*.key\n")
    (repository / "away").symlink_to(TMP)
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "ignore")
    path = tmp_path / "mine"
    (path / "node_modules/deep").mkdir(parents=True)
    (path / "away").mkdir()
    for name in (".env", "a.txt", "node_modules/deep/x.js", "sub.key", "other", "away/out.key"):
        (path / name).write_text(f"{name} of mine\n")
    (path / ".env").chmod(0o600)
    (path / "link.key").symlink_to("/etc/passwd")
    return path


def allowed(config, *roots):
    return replace(config, copy_roots=roots)


async def test_ignored_files_are_copied_and_git_status_stays_clean(
    config, repository, mine, tmp_path
):
    async with supervised(allowed(config, tmp_path)) as rig:
        globs = [".env", "node_modules", "*.key", "a.txt"]
        wanted = {"from": str(mine), "globs": globs}
        pod, tree = await start(rig, repository, copy=wanted)
        assert (tree / ".env").read_text() == ".env of mine\n"
        assert stat.S_IMODE((tree / ".env").stat().st_mode) == 0o600
        assert (tree / "node_modules/deep/x.js").exists()
        assert (tree / "sub.key").exists()
        assert not (tree / "other").exists()
        assert not (tree / "link.key").exists()
        assert (tree / "a.txt").read_text() == "a.txt\n"
        assert git(tree, "status", "--porcelain") == ""
        said = [p.text for p in rig.outbox.progresses if p.pod == pod and p.step == "workspace"]
        assert any("not copied" in line and "a.txt" in line for line in said)
        assert any("ignored files are copied" in line for line in said)


async def test_a_link_of_the_repository_leads_no_copy_astray(config, repository, mine, tmp_path):
    async with supervised(allowed(config, tmp_path)) as rig:
        wanted = {"from": str(mine), "globs": ["away/out.key"]}
        pod, _ = await start(rig, repository, copy=wanted)
        assert "out.key" not in names_in(TMP)
        assert any(
            "1 files are not copied" in p.text for p in rig.outbox.progresses if p.pod == pod
        )


@pytest.mark.parametrize("roots", [(), ("elsewhere",)])
async def test_what_the_operator_did_not_allow_is_not_copied(
    config, repository, mine, tmp_path, roots
):
    async with supervised(allowed(config, *(tmp_path / root for root in roots))) as rig:
        error = await not_started(rig, repository, copy={"from": str(mine), "globs": [".env"]})
        assert error.code == "copy_not_allowed"
        assert "copy_roots" in error.message


async def test_a_directory_to_copy_from_that_is_not_there(config, repository, tmp_path):
    async with supervised(allowed(config, tmp_path)) as rig:
        wanted = {"from": str(tmp_path / "nowhere"), "globs": ["*"]}
        assert (await not_started(rig, repository, copy=wanted)).code == "copy_failed"


# ---- The setup script


async def test_a_setup_script_runs_in_the_jail_before_the_agent(config, repository, tmp_path):
    async with supervised(config) as rig:
        script = (
            f"echo one; touch made; touch {tmp_path}/trace || true; echo $HOME > where; echo two"
        )
        argv = ("sh", "-c", "ls; exec cat")
        pod, tree = await start(rig, repository, argv, setup={"script": script, "timeout_s": 20})
        await rig.shows(rig.hosts.get(pod), "made")
        said = [p.text for p in rig.outbox.progresses if p.pod == pod and p.step == "setup"]
        assert [line for line in said if line in ("one", "two")] == ["one", "two"]
        assert not (tmp_path / "trace").exists()
        assert (tree / "where").read_text().strip() == str(rig.supervisor._records.places(pod).home)


@pytest.mark.parametrize(
    ("script", "limit", "words"),
    [
        ("echo first; echo no such package >&2; false; echo after", 20, "no such package"),
        ("echo slow; sleep 300", 1, "took more than 1 seconds"),
        ("exit 7", 20, "ended with 7: it printed nothing"),
    ],
)
async def test_a_setup_script_that_fails_names_its_cause_and_leaves_nothing(
    config, repository, script, limit, words
):
    async with supervised(config) as rig:
        error = await not_started(rig, repository, setup={"script": script, "timeout_s": limit})
        assert error.code == "setup_failed"
        assert words in error.message
        assert not list(config.homes.iterdir())


# ---- Trees made ahead


async def test_what_takes_long_to_check_out_is_made_ahead(config, repository, monkeypatch):
    monkeypatch.setattr(checkouts, "SPARE_WORTH_S", 0.0)
    monkeypatch.setattr("runner_agent.workspaces.repositories.FRESH_S", 0.0)
    async with supervised(config) as rig:
        await pod_in(rig, repository)
        (spare,) = await until(lambda: list(config.spares.glob("[!.]*")))
        inode = spare.stat().st_ino
        git(repository, "commit", "-q", "--allow-empty", "-m", "newer")
        pod, tree = await pod_in(rig, repository)
        assert tree.stat().st_ino == inode
        assert git(tree, "rev-parse", "HEAD") == git(repository, "rev-parse", "HEAD")
        assert git(tree, "symbolic-ref", "--short", "HEAD") == f"mesh/{pod}"
        assert git(tree, "status", "--porcelain") == ""
        assert git(tree, "remote", "get-url", "origin") == str(repository)
        await until(lambda: list(config.spares.glob("[!.]*")))


async def test_a_quick_checkout_needs_no_spare(config, repository, monkeypatch):
    monkeypatch.setattr(checkouts, "SPARE_WORTH_S", 60.0)
    async with supervised(config) as rig:
        await pod_in(rig, repository)
        assert not config.spares.exists()
