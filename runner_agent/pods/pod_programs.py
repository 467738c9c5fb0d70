"""The Runner's bin directory, first on every Pod's PATH: programs that come with the Runner."""

import shlex
import sys
from pathlib import Path

import runner_agent
from runner_agent.config import Config

_PROGRAM = """\
#!/bin/sh
{first}exec {python} -I -S -c {start} "$@"
"""
# a way of its own past what `mesh` loads: agents wait for each of their hooks
_HOOK_FIRST = """\
[ "$1" = hook ] && shift && exec {python} -I -S -c {start} "$@"
"""
_START = """\
import sys
sys.path.insert(0, {root!r})
from {module} import main
sys.exit(main(sys.argv[1:]))
"""
_PROGRAMS = {"mesh": "runner_agent.pod_command", "mesh-demo": "runner_agent.demo.program"}
_HOOK = "runner_agent.pod_hook"


def write(config: Config) -> None:
    """Anew at each start of the Runner: an update may have moved it."""
    config.bin.mkdir(mode=0o700, parents=True, exist_ok=True)
    root = str(Path(runner_agent.__file__).parent.parent)
    python = shlex.quote(sys.executable)
    for name, module in _PROGRAMS.items():
        start, hook = (
            shlex.quote(_START.format(root=root, module=each)) for each in (module, _HOOK)
        )
        first = _HOOK_FIRST.format(python=python, start=hook) if name == "mesh" else ""
        _replace(config.bin / name, _PROGRAM.format(first=first, python=python, start=start))


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text)
    draft.chmod(0o755)
    draft.replace(path)
