"""A program in a Pod that reads line by line, as Aider does: its hook says that it waits a moment before it does.

It runs by itself (`python line_reader.py`), with the Runner's own `mesh` on its PATH. Bracketed paste is on and its
terminal raw only while it reads; what is typed before is echoed and joined. Told `ask`, it asks whether it may.
"""

import os
import subprocess
import sys
import termios
import time
import tty

DRAWS_S = 1.0  # after its hook


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def read(prompt: str) -> str:
    before, line = termios.tcgetattr(0), ""
    tty.setraw(0, termios.TCSANOW)
    say(f"\x1b[?2004h{prompt}")
    while not line.endswith("\r"):
        line += os.read(0, 1 << 16).decode().replace("\x1b[200~", "").replace("\x1b[201~", "")
        say(f"\x1b[2K\r{prompt}{line!r}")
    say("\x1b[?2004l\r\n")
    termios.tcsetattr(0, termios.TCSANOW, before)
    return line.removesuffix("\r")


def wait_for(prompt: str) -> str:
    subprocess.run(["mesh", "hook", "Waiting"], stdin=subprocess.DEVNULL, check=True)
    time.sleep(DRAWS_S)
    return read(prompt)


def main() -> None:
    line = read("> ")
    while True:
        if line == "ask":
            say(f"may I?\r\nthen {wait_for('Run it? (Y)es/(N)o [Yes]: ')!r}\r\n")
        else:
            say(f"read {line!r}\r\n")
        line = wait_for("> ")


if __name__ == "__main__":
    main()
