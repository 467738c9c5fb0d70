"""`mesh-demo`: the command."""

import argparse
import os
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from runner_agent.demo.app import App
from runner_agent.demo.folder import Folder

_NEEDS_TERMINAL = 2


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="mesh-demo",
        description="Behaves like a coding agent, without a model. Example: mesh-demo --speed 0.5",
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, help="stretches every pause; 0: no pauses (default: 1)"
    )
    speed = max(0.0, parser.parse_args(argv).speed)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("mesh-demo needs a terminal: run it in one.", file=sys.stderr)  # noqa: T201
        return _NEEDS_TERMINAL
    name = os.environ.get("MESH_POD") or Path.cwd().name
    with _raw(sys.stdin.fileno()) as terminal:
        return App(terminal, Folder(Path.cwd()), name, speed).run()


@contextmanager
def _raw(terminal: int) -> Iterator[int]:
    """Every key reaches the program, also Ctrl-C; what it prints is still given its line ends."""
    before = termios.tcgetattr(terminal)
    modes = termios.tcgetattr(terminal)
    modes[0] &= ~(termios.ICRNL | termios.IXON | termios.INLCR | termios.ISTRIP)
    modes[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
    termios.tcsetattr(terminal, termios.TCSADRAIN, modes)
    try:
        yield terminal
    finally:
        with suppress(termios.error):  # it may be gone
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
