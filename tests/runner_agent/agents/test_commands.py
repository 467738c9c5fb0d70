"""`mesh-runner agents`, as a person types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runner_agent import cli
from runner_agent.errors import ToldError

DECLARED = """
slug = "sample"
name = "Sample"
[install]
kind = "command"
program = "sample"
version = "1.0"
command = ["sh", "-c", 'mkdir $PREFIX/bin; printf "#!/bin/sh\\necho $VERSION" > $PREFIX/bin/sample; chmod +x $PREFIX/bin/sample']
"""


@pytest.fixture
def typed(tmp_path, monkeypatch):
    monkeypatch.setenv("MESH_RUNNER_HOME", str(tmp_path / "runner"))
    monkeypatch.setenv("MESH_RUNNER_SOCKETS", str(tmp_path / "sockets"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    (tmp_path / "sample.toml").write_text(DECLARED)

    def type_(*words: str) -> str:
        done = CliRunner().invoke(cli.app, ["agents", *words], catch_exceptions=True)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    return type_


def test_an_agent_is_installed_beforehand_listed_and_removed(typed, tmp_path):
    declared = str(tmp_path / "sample.toml")
    path = typed("install", declared).strip()
    assert path == str(tmp_path / "runner" / "agents" / "sample" / "1.0")
    held = json.loads(typed("install", f"{declared}@2.0", "--json"))
    assert (held["version"], held["path"]) == ("2.0", path[:-3] + "2.0")
    listed = {row["slug"] + row["version"]: row for row in json.loads(typed("list", "--json"))}
    assert listed["sample1.0"]["path"] == f"{path}/bin/sample"
    assert listed["sample1.0"]["size"] > 0
    assert listed["install:npm"]["problem"] == ""
    assert "sample  2.0  " in typed("list")
    assert typed("remove", "sample@1.0") == "sample 1.0 removed\n"
    assert not Path(path).exists()
    assert json.loads(typed("remove", "--json"))[0]["version"] == "2.0"


def test_what_a_pod_runs_stays(typed, tmp_path):
    path = typed("install", str(tmp_path / "sample.toml")).strip()
    pod = tmp_path / "runner" / "pods" / "pod-a"
    pod.mkdir()
    agent = {"slug": "sample", "install": {"kind": "command", "program": "sample"}}
    (pod / "start.json").write_text(json.dumps({"shown": [path], "agent": agent}))
    with pytest.raises(ToldError, match=r"A Pod runs sample 1.0: end it first"):
        typed("remove", "sample")
    assert typed("remove") == ""
    assert json.loads(typed("list", "--json"))[-4]["used"]
    assert typed("install", "sample@1.0").strip() == path  # as that Pod's declaration has it
    (pod / "exit.json").touch()
    assert typed("remove") == "sample 1.0 removed\n"


def test_what_is_not_known_says_what_to_do(typed, tmp_path):
    with pytest.raises(ToldError, match="name the file that declares it"):
        typed("install", "sample")
    with pytest.raises(ToldError, match="is not installed: `mesh-runner agents list`"):
        typed("remove", "sample")
    (tmp_path / "bad.toml").write_text("slug = ")
    with pytest.raises(ToldError, match="does not declare an agent type"):
        typed("install", str(tmp_path / "bad.toml"))
