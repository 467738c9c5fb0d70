"""Real hosts from a real template, with small agents; every Pod is ended with its test."""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from runner_agent.config import Config
from runner_agent.podhost import files
from runner_agent.terminals.hosts import template_argv
from tests.runner_agent.podhost.stage import Stage

_numbers = count(1)

Open = Callable[[], AbstractAsyncContextManager[Stage]]


def _short_directory() -> Path:
    return Path(tempfile.mkdtemp(prefix="mesh-s-", dir="/tmp"))


@pytest.fixture(scope="session")
def sockets() -> Iterator[Path]:
    """With one template for all tests."""
    directory = _short_directory()
    template = subprocess.Popen(template_argv(Config(home=directory, sockets=directory)), env={})
    yield directory
    template.kill()
    template.wait()
    shutil.rmtree(directory)


@pytest.fixture
def own_sockets() -> Iterator[Path]:
    """Without a template."""
    directory = _short_directory()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def config(tmp_path: Path, sockets: Path) -> Config:
    made = Config(home=tmp_path / "runner", sockets=sockets)
    made.prepare()
    return made


@pytest.fixture
def pod() -> str:
    """A key no other test uses."""
    return f"pod-{next(_numbers)}"


@pytest.fixture
def stage(config: Config) -> Open:
    """`async with stage() as it:` is the life of a daemon; Pods outlive it, but not the test."""

    @asynccontextmanager
    async def life() -> AsyncIterator[Stage]:
        async with Stage.of(config) as it:
            yield it

    return life


@pytest.fixture(autouse=True)
def no_pod_left(config: Config) -> Iterator[None]:
    """The host of a killed agent ends what it left behind, and then itself."""
    yield
    for directory in config.pods.iterdir():
        process = files.holder(str(directory / "host.lock"))
        if process is None:
            continue
        meta = json.loads((directory / "meta.json").read_text())
        with contextlib.suppress(ProcessLookupError):
            os.kill(meta["pid"], signal.SIGKILL)
        ends = select.poll()
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(process)
            ends.register(pidfd, select.POLLIN)
            assert ends.poll(10_000), f"{directory.name} does not end"
            os.close(pidfd)
