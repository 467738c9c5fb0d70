"""The Runner's bin directory, first on every Pod's PATH: programs that come with the Runner."""

import shlex
import sys
from pathlib import Path

import runner_agent
from runner_agent.config import Config

_DEMO = """\
#!/bin/sh
exec {python} -I -S -c {start} "$@"
"""
_START = """\
import sys
sys.path.insert(0, {root!r})
from runner_agent.demo.program import main
sys.exit(main(sys.argv[1:]))
"""


def write(config: Config) -> None:
    """Anew at each start of the Runner: an update may have moved it."""
    config.bin.mkdir(mode=0o700, parents=True, exist_ok=True)
    root = str(Path(runner_agent.__file__).parent.parent)
    start = shlex.quote(_START.format(root=root))
    _replace(
        config.bin / "mesh-demo", _DEMO.format(python=shlex.quote(sys.executable), start=start)
    )


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text)
    draft.chmod(0o755)
    draft.replace(path)
