"""Start the agent on its PTY."""

import fcntl
import os
import signal
import struct
import termios
from typing import Any

from ptyprocess import PtyProcess

NOT_RUN = 127  # exit code of a command that could not be run, as in a shell
_OOM_SCORE = 300  # of 1000
_IUTF8 = 0x4000  # not in this Python's termios: backspace removes a whole character


class NotRunError(Exception):
    """The command could not be run; the message is what the Pod's log shows."""


def start(launch: dict[str, Any]) -> PtyProcess:
    """`launch` has argv, env, cwd, cols and rows. The caller keeps the object: closing it would end the agent."""
    argv, env, cwd = launch["argv"], launch["env"], launch["cwd"]

    def in_the_child() -> None:
        _plain_signals()
        _utf8()
        _first_to_go()
        os.umask(0o022)
        os.chdir(cwd)

    try:
        program = _program(argv[0], env.get("PATH", os.defpath), cwd)
        process = PtyProcess.spawn(
            [program, *argv[1:]],
            env=env,
            preexec_fn=in_the_child,
            dimensions=(launch["rows"], launch["cols"]),
        )
    except Exception as error:  # ptyprocess rebuilds whatever class the child met
        raise NotRunError(f"{argv[0]}: {error}") from error
    os.set_blocking(process.fd, False)
    return process


def _program(command: str, path: str, cwd: str) -> str:
    """ptyprocess would look along the template's PATH, not the agent's."""
    if "/" in command:
        return os.path.join(cwd, command)
    for directory in path.split(os.pathsep):
        found = os.path.join(cwd, directory, command)
        if os.access(found, os.X_OK) and not os.path.isdir(found):
            return found
    raise FileNotFoundError(f"no such command on PATH {path}")


def _plain_signals() -> None:
    """Python and ptyprocess leave some ignored, and exec would hand that on: Ctrl-C would do nothing."""
    signal.set_wakeup_fd(-1)
    for signo in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(signo, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _utf8() -> None:
    attributes = termios.tcgetattr(0)
    attributes[0] |= _IUTF8
    termios.tcsetattr(0, termios.TCSANOW, attributes)


def _first_to_go() -> None:
    """When memory runs out the kernel is to take the agent, not its host."""
    with open("/proc/self/oom_score_adj", "r+b", buffering=0) as file:
        if int(file.read()) < _OOM_SCORE:
            file.write(str(_OOM_SCORE).encode())


def resize(fd: int, cols: int, rows: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def hides(fd: int) -> bool:
    """Whether what is typed is kept from the screen, as at a password prompt. A program that draws its own screen
    turns the echo off as well, but takes each key at once, not whole lines."""
    try:
        modes = termios.tcgetattr(fd)[3]
    except termios.error:  # no process has it open
        return True
    return bool(modes & termios.ICANON and not modes & termios.ECHO)


def echoes(fd: int) -> bool:
    try:
        return bool(termios.tcgetattr(fd)[3] & termios.ECHO)
    except termios.error:  # no process has it open
        return False
