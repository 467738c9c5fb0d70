"""A program in a Pod that gives the signs of Claude Code as they were recorded: titles, hooks, a dialog, usage.

It runs by itself (`python imitation.py`), with the Runner's own `mesh` on its PATH. What it is told:
`ask` → a permission dialog; `slow` → works until Escape, and fires no hook then; anything else is repeated.
With `--restores` it takes a moment over a conversation first, and loses what is typed meanwhile, as Gemini CLI does.
"""

import json
import os
import select
import subprocess
import sys
import termios
import time
import tty
import uuid
from pathlib import Path

IDLE, BUSY = "✳ Claude Code", "◐ Claude Code"
RESTORES_S = 1.0
MARK = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT} "


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def title(text: str) -> None:
    say(f"\x1b]0;{text}\x07")


def hook(event: str, **data: object) -> None:
    if "--no-hooks" in sys.argv:
        return
    said = json.dumps({"session_id": "conversation-1", **data})
    subprocess.run(["mesh", "hook", event], input=said, text=True, check=True)


def restore() -> None:
    until = time.monotonic() + RESTORES_S
    while (left := until - time.monotonic()) > 0:
        if select.select([0], [], [], left)[0]:
            os.read(0, 1 << 16)


def key() -> str:
    return os.read(0, 1 << 16).decode()


def prompt() -> str:
    """A paste, then Enter by itself; an Enter in the same read is a part of the paste."""
    text = ""
    while True:
        read = key()
        if read == "\r" and text:
            return text
        text += read.replace("\x1b[200~", "").replace("\x1b[201~", "").replace("\r", "\n")
        say(f"\x1b[2K\r{MARK}{len(text)} characters")


def ask() -> bool:
    hook("PreToolUse", tool_name="Bash")
    hook("PermissionRequest", tool_name="Bash", tool_input={"command": "rm -rf build"})
    title(IDLE)
    say(
        f"\x1b[2J\x1b[HBash command\r\n rm -rf build\r\nDo you want to proceed?\r\n{MARK}1. Yes\r\n 2. No\r\n"
    )
    answer = key()
    say("\x1b[2J\x1b[H")
    if answer != "1":
        title(IDLE)
        say(f"not done\r\n{MARK}")
        return False
    title(BUSY)
    hook("PostToolUse", tool_name="Bash")
    return True


def used() -> None:
    place = Path.home() / ".claude" / "projects" / "-work"
    place.mkdir(parents=True, exist_ok=True)
    message = {
        "id": str(uuid.uuid4()),
        "model": "fake-model",
        "usage": {"input_tokens": 100, "cache_read_input_tokens": 20, "output_tokens": 7},
    }
    with (place / "conversation-1.jsonl").open("a") as file:
        for _ in range(2):  # each content block is a line of its own, with the whole usage
            file.write(json.dumps({"type": "assistant", "message": message}) + "\n")


def turn(text: str) -> None:
    hook("UserPromptSubmit", prompt=text)
    title(BUSY)
    if text == "slow":
        while "\x1b" not in key():
            pass
        title(IDLE)
        say(f"\r\ninterrupted\r\n{MARK}")
        return
    if text == "ask" and not ask():
        return
    say(f"\r\nread {text!r}\r\n{MARK}")
    used()
    hook("Stop", last_assistant_message="done")
    title(IDLE)


def main() -> None:
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        say(f"\x1b[?2004h{MARK}")
        title(IDLE)
        if "--restores" in sys.argv:
            restore()
        hook("SessionStart", source="startup")
        while True:
            turn(prompt())
    finally:
        termios.tcsetattr(0, termios.TCSANOW, before)


if __name__ == "__main__":
    main()
