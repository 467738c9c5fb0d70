"""A Runner without its link: real pod hosts, real git, real bubblewrap."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner_agent.config import Config
from runner_agent.jail import confine
from runner_agent.jail.confine import Isolation
from runner_agent.terminals.hosts import template_argv
from tests.runner_agent.pods.rig import git


@pytest.fixture(scope="session")
def sockets() -> Iterator[Path]:
    """A short directory, with a template of Pod hosts serving there."""
    with tempfile.TemporaryDirectory(prefix="mesh-t", dir="/tmp") as directory:
        config = Config(home=Path(directory), sockets=Path(directory))
        template = subprocess.Popen(template_argv(config), env={"PATH": os.defpath})
        yield Path(directory)
        template.kill()
        template.wait()


@pytest.fixture
def config(tmp_path: Path, sockets: Path) -> Config:
    config = Config(
        home=tmp_path / "runner",
        sockets=sockets,
        path=os.environ["PATH"],
        repository_roots=(tmp_path / "repositories",),
    )
    config.prepare()
    return config


@pytest.fixture
async def jail(config: Config) -> Isolation:
    found = await confine.detect(config)
    assert found.level == "jail", found.problem
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """main: a.txt, then b.txt; dev beside it; tag v1 on the first commit."""
    path = tmp_path / "repositories" / "sample"
    path.mkdir(parents=True)
    git(path, "init", "-q", "-b", "main")
    for name in ("a.txt", "b.txt"):
        (path / name).write_text(f"{name}\n")
        git(path, "add", ".")
        git(path, "commit", "-q", "-m", f"Add {name}")
    git(path, "tag", "v1", "HEAD~1")
    git(path, "branch", "dev", "HEAD~1")
    return path
