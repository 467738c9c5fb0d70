"""Releases that do as the test says, a server that hands them out, and a Runner of real processes that takes them."""

import asyncio
import compileall
import contextlib
import hashlib
import json
import os
import py_compile
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import proto
import runner_agent
from proto.mesh.v1 import runner_pb2 as pb
from runner_agent import config as configs
from runner_agent import lock, machine
from runner_agent.config import Config, Enrolled
from runner_agent.link import identity as identities
from runner_agent.podhost import files
from runner_agent.update import archive, manifest
from runner_agent.update.manifest import Manifest, Signed
from runner_agent.update.releases import Releases
from tests.runner_agent.link.authority import Authority
from tests.runner_agent.link.gateway import ScriptedGateway, SessionStream

WITHIN_S = 110.0  # a bound for a loaded machine, not a pace
CHUNK = 64 * 1024
KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
RUN = """\
import os, signal, sys, time
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "lib"), {library!r}]
{hook}
from runner_agent.cli import main
main()
"""
LAUNCH = """\
import sys
from pathlib import Path
from runner_agent.update.launcher import Launcher, Limits
sys.exit(Launcher(Path(sys.argv[1]), Limits({limits})).run())
"""
ON_DAEMON = 'if "daemon" in sys.argv: '
CRASHES_AT_START = ON_DAEMON + 'raise SystemExit("it crashes")'
HANGS_AT_START = ON_DAEMON + "time.sleep(1000)"
FAILS_ITS_TEST = 'if "selftest" in sys.argv: raise RuntimeError("broken here")'
# These two get as far as being given the turn.
AFTER_ITS_TURN = """\
def then(what):
    from runner_agent.update.guard import Guard
    wait = Guard.wait_for_turn
    Guard.wait_for_turn = lambda self: (wait(self), what())
"""
CRASHES_IN_ITS_TURN = AFTER_ITS_TURN + "then(lambda: 1 / 0)"
HANGS_IN_ITS_TURN = AFTER_ITS_TURN + "then(lambda: time.sleep(1000))"
COUNTS = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"


class Shop:
    """Makes releases: this very code with another version and, in its first lines, a `hook`."""

    def __init__(self, directory: Path, key: Ed25519PrivateKey = KEY) -> None:
        self._directory, self._code, self._key = directory, directory / "code", key
        for ours in (runner_agent, proto):
            source = Path(next(iter(ours.__path__)))
            ignore = shutil.ignore_patterns("__pycache__", "*.pyi")
            shutil.copytree(source, self._code / source.name, ignore=ignore)
        self._init = self._code / "runner_agent" / "__init__.py"
        self._said = self._init.read_text()
        compileall.compile_dir(
            self._code, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
        for compiled in (self._init.parent / "__pycache__").glob("__init__.*"):
            compiled.unlink()

    def make(self, version: str, hook: str = "", **changes) -> tuple[bytes, Signed]:
        draft = Path(tempfile.mkdtemp(dir=self._directory))
        self._init.write_text(self._said.replace(f'"{runner_agent.__version__}"', f'"{version}"'))
        shutil.copytree(self._code, draft / "lib")
        library = sysconfig.get_path("purelib")
        (draft / "run.py").write_text(RUN.format(library=library, hook=hook))
        path = self._directory / f"{version}-{uuid.uuid4()}.tar.gz"
        unpacked = archive.pack(draft, path)
        shutil.rmtree(draft)
        data = path.read_bytes()
        path.unlink()
        return signed_archive(data, version, self._key, **{"unpacked": unpacked, **changes})


def signed_archive(
    data: bytes, version: str, key: Ed25519PrivateKey = KEY, **changes
) -> tuple[bytes, Signed]:
    made = Manifest(
        version=version,
        platform=machine.release_platform(),
        python=machine.release_python(),
        size=len(data),
        unpacked=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        protocol=(1, 2),
        packages={},
    )
    return data, manifest.sign(replace(made, **changes), key)


class Server(ScriptedGateway):
    """Hands archives out; `breaks` are offsets at which a stream ends too early, once each."""

    def __init__(self, authority: Authority) -> None:
        super().__init__(authority)
        self.archives: dict[str, bytes] = {}
        self.asked: list[int] = []
        self.breaks: list[int] = []
        self.pause = 0.0

    async def FetchRelease(self, request, context) -> None:  # noqa: N802
        data = self.archives[request.sha256]
        self.asked.append(request.offset)
        stop = self.breaks.pop(0) if self.breaks else len(data)
        for at in range(request.offset, stop, CHUNK):
            await asyncio.sleep(self.pause)
            await context.write(pb.ReleaseChunk(data=data[at : min(stop, at + CHUNK)]))

    async def attached(self, protocol: int = 2) -> "Attached":
        async with asyncio.timeout(WITHIN_S):
            stream = await self.sessions.get()
        hello = await stream.heard("hello")
        await stream.say(
            pb.ToRunner(welcome=pb.Welcome(epoch=1, protocol=protocol, runner_name="alpha"))
        )
        return Attached(stream, hello)


class Attached:
    """One Session of the Runner, read for as long as the test wants."""

    def __init__(self, stream: SessionStream, hello: pb.Hello) -> None:
        self.stream, self.hello = stream, hello
        self.steps: list[str] = []
        self.results: dict[str, pb.CommandResult] = {}
        self.events: list[pb.FromRunner] = []

    async def ask(self, kind: str, pod: str = "", id_: str = "", **payload) -> str:
        id_ = id_ or str(uuid.uuid4())
        await self.stream.command(id_, kind=kind, pod=pod, **payload)
        return id_

    async def result(self, id_: str) -> pb.CommandResult:
        async with asyncio.timeout(WITHIN_S):
            while id_ not in self.results:
                await self._next()
        await self.stream.say(pb.ToRunner(results_received=pb.ResultsReceived(ids=[id_])))
        return self.results[id_]

    async def step(self, step: str) -> None:
        """Wait for the word that the update is there."""
        async with asyncio.timeout(WITHIN_S):
            while step not in self.steps:
                await self._next()

    async def left(self) -> None:
        """Read until the Runner has said goodbye."""
        async with asyncio.timeout(WITHIN_S):
            while (await self._next()).WhichOneof("message") != "goodbye":
                pass
        self.stream.end()

    async def _next(self) -> pb.FromRunner:
        event = await self.stream._context.read()
        assert isinstance(event, pb.FromRunner), "the Session ended"
        self.events.append(event)
        match event.WhichOneof("message"):
            case "update_step" if event.update_step.step not in self.steps:
                self.steps.append(event.update_step.step)
            case "command_result":
                self.results[event.command_result.id] = event.command_result
            case "heartbeat" if not event.heartbeat.echo_ms:
                answer = pb.Heartbeat(sent_at_ms=1, echo_ms=event.heartbeat.sent_at_ms)
                await self.stream.say(pb.ToRunner(heartbeat=answer))
        return event


@dataclass(frozen=True)
class Typed:
    code: int
    said: str


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not true():  # noqa: ASYNC110 - of files and processes there is no news
            await asyncio.sleep(0.01)


class Machine:
    """An enrolled home and the launcher that serves it."""

    def __init__(self, config: Config, server: Server) -> None:
        self.config, self.server = config, server
        self.releases = Releases(config.home)
        self.process: asyncio.subprocess.Process | None = None
        self.errors = config.home / "said"

    async def start(self, limits: str = "") -> Attached:
        await self.launch(limits)
        return await self.server.attached()

    async def launch(self, limits: str = "") -> None:
        with self.errors.open("ab") as errors:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", LAUNCH.format(limits=limits), str(self.config.home)),
                env=self.environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stderr=errors,
                stdout=errors,
            )

    async def stop(self) -> int:
        assert self.process
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        assert self.process
        async with asyncio.timeout(WITHIN_S):
            return await self.process.wait()

    def kill_daemon(self) -> None:
        holder = lock.holder(self.config)
        assert holder
        os.kill(holder, signal.SIGKILL)

    @contextlib.contextmanager
    def stopped_host(self, pod: str) -> Iterator[None]:
        """It hangs meanwhile."""
        holder = files.holder(str(self.config.pods / pod / "host.lock"))
        assert holder
        os.kill(holder, signal.SIGSTOP)
        yield
        os.kill(holder, signal.SIGCONT)

    def template(self) -> str:
        """The command line of the process that new Pods are born of."""
        holder = files.holder(str(self.config.sockets / files.SPAWN_LOCK))
        return Path(f"/proc/{holder}/cmdline").read_text() if holder else ""

    async def person(self, *words: str) -> "Typed":
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "runner_agent", *words),
            env=self.environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode is not None
        return Typed(process.returncode, said.decode())

    def offer(self, release: tuple[bytes, Signed], **payload) -> dict[str, object]:
        """The payload that asks for it; the server has it from now on."""
        data, signed = release
        self.server.archives[json.loads(signed.text)["sha256"]] = data
        return {
            "version": json.loads(signed.text)["version"],
            "manifest": signed.text,
            "signature": signed.signature,
            "mode": "handover",
            "wait_s": 60,
            "after": "handover",
        } | payload

    async def writers(self, session: Attached, number: int) -> list[str]:
        """Pods that count, one number a line."""
        keys = [f"pod-w{os.getpid()}-{each}-{uuid.uuid4().hex[:4]}" for each in range(number)]
        ids = [await session.ask("start", key, argv=["sh", "-c", COUNTS]) for key in keys]
        for id_ in ids:
            assert (await session.result(id_)).state == "done"
        return keys

    def counted(self, pod: str) -> list[int]:
        """All lines that its Terminal ever had, as far as they are whole."""
        segments = sorted(
            each for each in (self.config.pods / pod / "log").iterdir() if not each.suffix
        )
        data = b"".join(segment.read_bytes() for segment in segments)
        return [int(line) for line in data[: data.rfind(b"\n") + 1].split()]

    def end_pods(self) -> None:
        hosts = [sys.executable, "-m", "runner_agent", "stop-pods", "--grace", "0"]
        subprocess.run(hosts, env=self.environment(), check=True, capture_output=True)

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "MESH_RUNNER_HOME": str(self.config.home),
            "MESH_RUNNER_SOCKETS": str(self.config.sockets),
            "MESH_RUNNER_ISOLATION": "none",
        }

    def said(self) -> str:
        return self.errors.read_text()[-6000:]


def enrolled_home(authority: Authority, home: Path, sockets: str) -> Config:
    config = configs.load(home, {"MESH_RUNNER_SOCKETS": sockets})
    config.prepare()
    key = identities.new_key()
    certificate = authority.sign(identities.signing_request(key))
    identities.save(config, identities.make(key, certificate, authority.ca_pem, datetime.now(UTC)))
    identities.pin_release_key(config, PUBLIC)
    configs.save_enrolled(config, Enrolled("http://mesh", 7, "alpha", ()))
    return config


@contextlib.asynccontextmanager
async def machine_of(authority: Authority, directory: Path) -> AsyncIterator[Machine]:
    """Its Pods are ended with it."""
    with tempfile.TemporaryDirectory(prefix="mesh-u-") as sockets:
        config = enrolled_home(authority, directory / "home", sockets)
        async with Server(authority).listening() as server:
            assert isinstance(server, Server)
            configs.save_enrolled(config, Enrolled("http://mesh", 7, "alpha", (server.address,)))
            staged = Machine(config, server)
            try:
                yield staged
            finally:
                if staged.process and staged.process.returncode is None:
                    await staged.stop()
                await asyncio.to_thread(staged.end_pods)
