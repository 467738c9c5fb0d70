"""What a Pod's processes can see and touch: a launch is `confine(spec) + argv`.

Levels: `none`, and `jail` by bubblewrap: own pid, ipc, uts and mount namespaces, a read-only system, and of this
Runner's files only the Pod's own. The network is shared, so what listens on loopback is reachable.

Three choices that are easy to undo by accident:
* `--die-with-parent`: the parent is the Pod's host (or whoever waits for an `execute`), never the daemon's restart.
  When the host is killed, nothing of the Pod stays behind.
* No `--new-session`: it would take the controlling terminal away, and with it Ctrl-C, job control and resizes. TIOCSTI
  reaches only the Pod's own PTY, which nobody but the Pod reads.
* bwrap ignores the signals that its group gets (`_SIGNALS`), and the program inside has them at their defaults again.
  Otherwise the Ctrl-C meant for the agent ends bwrap, and with it the Pod.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from runner_agent.config import Config
from runner_agent.jail import execute, toolchains

_SIGNALS = "HUP,INT,QUIT,TERM,USR1,USR2,PIPE,XFSZ"
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix")
_PROBE_TIMEOUT_S = 10.0
_ROOT = Path("/")
_PYTHON_LAUNCHER = f"""
import os, signal, sys
for name in "{_SIGNALS}".split(","):
    signal.signal(getattr(signal, "SIG" + name), getattr(signal, sys.argv[1]))
os.execvp(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True, slots=True)
class Confinement:
    """`tmp` is shown as /tmp; without one, /tmp is empty and goes with the program."""

    cwd: Path
    tmp: Path | None = None
    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    network: bool = True


@dataclass(frozen=True, slots=True)
class Isolation:
    """The strongest level this machine gives; `problem` says why it is not `jail`."""

    level: str
    problem: str = ""
    signals: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())  # launchers: ignoring, at defaults
    base: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()

    def confine(self, spec: Confinement) -> tuple[str, ...]:
        """What to put before an argv. Without a jail: nothing."""
        if self.level == "none":
            return ()
        own = [word for path in spec.writable for word in ("--bind", str(path), str(path))]
        own += [word for path in spec.readable for word in ("--ro-bind", str(path), str(path))]
        return (
            *self.signals[0],
            *self.base,
            *(() if spec.network else ("--unshare-net",)),
            *(("--bind", str(spec.tmp)) if spec.tmp else ("--tmpfs",)),
            "/tmp",  # noqa: S108 - inside the jail
            *self.tools,
            *own,
            *("--chdir", str(spec.cwd), "--"),
            *self.signals[1],
        )


async def detect(config: Config) -> Isolation:
    """Try a jail once."""
    if config.isolation == "none":
        return Isolation("none", "The configuration of this Runner says isolation = none.")
    bwrap = shutil.which("bwrap", path=config.path) or shutil.which("bwrap", path=os.defpath)
    if bwrap is None:
        return Isolation("none", "bubblewrap is not installed: install the package `bubblewrap`.")
    jail = await asyncio.to_thread(
        lambda: Isolation("jail", signals=_launchers(), base=_base(bwrap), tools=_tools(config))
    )
    tried = await execute.run(
        (*jail.confine(Confinement(_ROOT)), "true"), cwd=_ROOT, env={}, timeout_s=_PROBE_TIMEOUT_S
    )
    if tried.exit_code == 0:
        return jail
    said = tried.stderr.decode(errors="replace").strip() or f"exit code {tried.exit_code}"
    return Isolation("none", f"bubblewrap does not work on this machine: {said}")


def _launchers() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Programs that start another with the signals ignored, and at their defaults."""
    env = shutil.which("env", path=os.defpath) or "env"
    tried = subprocess.run([env, "--default-signal=INT", "true"], capture_output=True, check=False)  # noqa: S603
    if tried.returncode == 0:  # coreutils 8.31 of 2019 or later
        return (env, f"--ignore-signal={_SIGNALS}"), (env, f"--default-signal={_SIGNALS}")
    python = (sys.executable, "-I", "-S", "-c")
    return (*python, _PYTHON_LAUNCHER, "SIG_IGN"), (*python, _PYTHON_LAUNCHER, "SIG_DFL")


def _base(bwrap: str) -> tuple[str, ...]:
    words = [bwrap, "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    words += ["--unshare-cgroup-try", "--cap-drop", "ALL", "--die-with-parent"]
    for path in map(Path, _SYSTEM):
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            words += ["--ro-bind", str(path), str(path)]
    words += ["--proc", "/proc", "--dev", "/dev", "--dir", "/run", "--dir", "/var"]
    words += ["--symlink", "../tmp", "/var/tmp"]  # noqa: S108 - inside the jail
    words += ["--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu"]
    names = Path("/etc/resolv.conf")
    if names.is_symlink() and names.exists():
        words += ["--ro-bind", str(names.resolve()), str(names.resolve())]
    return (*words, *_secrets_of_etc())


def _secrets_of_etc() -> list[str]:
    """What in /etc only root may read, if this is root: the kernel keeps it from all others."""
    if os.getuid() != 0:
        return []
    words = []
    for directory, subdirectories, files in os.walk("/etc"):
        for name in list(subdirectories):
            if _is_secret(path := Path(directory, name)):
                words += ["--tmpfs", str(path)]
                subdirectories.remove(name)
        for name in files:
            if _is_secret(path := Path(directory, name)):
                words += ["--ro-bind", "/dev/null", str(path)]
    return words


def _is_secret(path: Path) -> bool:
    return not path.is_symlink() and not path.stat().st_mode & 0o004


def _tools(config: Config) -> tuple[str, ...]:
    paths = toolchains.find(config, system=_SYSTEM)
    words = [word for path in paths for word in ("--ro-bind-try", str(path), str(path))]
    shown = [Path(path) for path in _SYSTEM] + paths
    if any(config.home.is_relative_to(path) for path in shown):
        words += ["--tmpfs", str(config.home)]  # its key and its other Pods
    ours = (
        config.bin,
        config.releases,
    )  # a Pod's tools are, after an update, those of a later release
    return (*words, *(word for path in ours for word in ("--ro-bind-try", str(path), str(path))))
