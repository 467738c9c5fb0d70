"""The demo agent on a real PTY, its screen kept by the Runner's own terminal emulator."""

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from runner_agent.demo.editor import Editor
from runner_agent.demo.keys import Key, Keys
from runner_agent.demo.text import cells, clip, fold, wrap
from runner_agent.terminals.screen import Screen
from tests.runner_agent.pods.rig import git

WITHIN_S = 15.0
START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from runner_agent.demo.program import main; sys.exit(main(sys.argv[1:]))"
)
ROOT = str(Path(__file__).parents[3])
PASTED = "\x1b[200~{}\x1b[201~"


class Demo:
    def __init__(self, cwd: Path, cols: int = 80, rows: int = 30, speed: str = "0") -> None:
        self.screen = Screen(cols, rows)
        self.raw = b""
        self.fd, theirs = os.openpty()
        self.resize(cols, rows)
        self._process = subprocess.Popen(
            ("setsid", "-c", sys.executable, "-I", "-S", "-c", START, ROOT, "--speed", speed),
            cwd=cwd,
            env={"PATH": os.environ["PATH"], "MESH_POD": "pod-7f3k2q", "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)

    def text(self) -> str:
        return self.screen.show()["text"]

    def title(self) -> str:
        return self.screen.show()["title"]

    def resize(self, cols: int, rows: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        self.screen.resize(cols, rows)

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def read(self, wait_s: float) -> bool:
        if not select.select([self.fd], [], [], wait_s)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.raw += data
        self.screen.feed(data)
        return bool(data)

    def until(self, true) -> str:
        deadline = time.monotonic() + WITHIN_S
        while not true(self.text()):
            assert time.monotonic() < deadline, self.text()
            self.read(0.1)
        return self.text()

    def shows(self, text: str) -> str:
        return self.until(lambda screen: text in screen)

    def ended(self) -> int:
        while self.read(WITHIN_S):
            pass
        return self._process.wait(WITHIN_S)

    def signal(self, signo: int) -> None:
        self._process.send_signal(signo)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self.fd)


@pytest.fixture
def demo():
    opened = []

    def start(*args, **kwargs) -> Demo:
        opened.append(Demo(*args, **kwargs))
        opened[-1].shows("/help")
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def test_a_wish_becomes_a_function_a_passing_test_and_a_commit(demo, repository):
    running = demo(repository)
    running.type("Greet people by name\r")
    shown = running.shows("What next?")
    assert "Ran 1 test" in shown
    assert git(repository, "log", "-1", "--format=%s by %an") == "Greet people by name by Mesh demo"
    assert sorted(git(repository, "show", "--name-only", "--format=").split()) == [
        "mesh_demo/greet_people_by_name.py",
        "mesh_demo/test_greet_people_by_name.py",
    ]
    assert git(repository, "status", "--porcelain") == ""
    assert "2 files, 11 lines added" in shown


def test_the_same_wish_again_is_another_function(demo, repository):
    running = demo(repository)
    for _ in range(2):
        running.type("Do it\r")
        running.until(lambda screen: screen.count("What next?") > 0)
        running.type("\x0c")
        running.until(lambda screen: "What next?" not in screen)
    assert (repository / "mesh_demo/do_it_2.py").exists()
    assert git(repository, "rev-list", "--count", "HEAD") == "4"


def test_a_file_named_in_the_wish_is_written_into_and_committed(demo, repository):
    (repository / "HELLO.md").write_text("before\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Begin")
    running = demo(repository)
    running.type("Say hello, and write it into HELLO.md\r")
    shown = running.shows("What next?")
    text = (repository / "HELLO.md").read_text()
    assert text.startswith("before\n")
    assert "Say hello" in text
    assert git(repository, "show", "--name-only", "--format=") == "HELLO.md"
    assert "1 file, 3 lines added" in shown


def test_a_named_file_that_is_a_link_is_left_alone(demo, repository, tmp_path):
    (tmp_path / "precious.md").write_text("precious")
    (repository / "HELLO.md").symlink_to(tmp_path / "precious.md")
    running = demo(repository)
    running.type("Write HELLO.md\r")
    running.shows("not a plain file")
    assert (tmp_path / "precious.md").read_text() == "precious"


def test_what_others_changed_is_not_committed_with_it(demo, repository):
    (repository / "a.txt").write_text("somebody's change\n")
    running = demo(repository)
    running.type("Do it\r")
    running.shows("What next?")
    assert git(repository, "status", "--porcelain") == "M a.txt"


def test_a_question_changes_nothing(demo, repository):
    running = demo(repository)
    running.type("What is here?\r")
    shown = running.shows("Tell me what to write, and")
    assert "There are 2 files here" in shown
    assert git(repository, "status", "--porcelain") == ""


def test_without_git_it_says_so_and_works(demo, tmp_path):
    (tmp_path / "empty").mkdir()
    running = demo(tmp_path / "empty")
    assert "an empty directory, without git" in running.text()
    running.type("Add numbers\r")
    assert "Committed" not in running.shows("What next?")
    assert (tmp_path / "empty/mesh_demo/test_add_numbers.py").exists()


def test_ctrl_c_interrupts_a_turn_and_twice_leaves(demo, tmp_path):
    running = demo(tmp_path, speed="20")
    running.type("Do it\r")
    running.shows("Thinking")
    assert running.title().startswith("⠂ working")
    running.type("\x03")
    running.shows("Interrupted")
    assert running.title().startswith("✳ ready")
    running.type("\x03")
    running.shows("Press Ctrl-C again to leave")
    running.type("\x03")
    assert running.ended() == 0


def test_escape_interrupts_and_a_waiting_prompt_is_shown(demo, tmp_path):
    running = demo(tmp_path, speed="20")
    running.type("Do it\r")
    running.shows("Thinking")
    running.type("then that\r")
    running.shows("next: then that")
    running.type("\x1b")
    running.shows("Interrupted")


def test_a_prompt_given_while_it_works_is_done_next(demo, tmp_path):
    running = demo(tmp_path, speed="0.3")
    running.type("First thing\r")
    running.shows("> First thing")
    running.type("second thing\r")
    running.until(lambda screen: "Wrote mesh_demo/second_thing.py" in screen)
    assert (tmp_path / "mesh_demo/first_thing.py").exists()


@pytest.mark.parametrize("word", ["/exit", "/quit"])
def test_leaving_by_command_gives_the_terminal_back(demo, tmp_path, word):
    running = demo(tmp_path)
    running.type(f"{word}\r")
    assert running.ended() == 0
    assert b"\x1b[?2004l" in running.raw


def test_commands_are_explained_and_unknown_ones_named(demo, tmp_path):
    running = demo(tmp_path)
    running.type("/help\r")
    running.shows("interrupt what I am doing")
    running.type("/dance\r")
    running.shows("I do not know /dance")


def test_a_paste_of_several_lines_is_one_prompt(demo, tmp_path):
    running = demo(tmp_path)
    running.type(PASTED.format("one\ntwo"))
    running.shows("│   two")
    running.type("\x1b\rthree")
    shown = running.shows("three")
    assert shown.index("> one") < shown.index("two") < shown.index("three")
    assert not (tmp_path / "mesh_demo").exists()
    running.type("\r")
    running.shows("What next?")
    assert len(list((tmp_path / "mesh_demo").glob("test_*.py"))) == 1


@pytest.mark.parametrize("cols", [40, 80, 132])
def test_no_line_is_wider_than_the_terminal(demo, tmp_path, cols):
    running = demo(tmp_path, cols=cols, rows=40)
    running.type("Say a rather long sentence to the wide 世界, please, and wrap it 👍\r")
    running.shows("What next?")
    lines = running.text().splitlines()
    assert max(cells(line) for line in lines) <= cols
    assert [line.strip()[:1] for line in lines if line.strip()][-2] == "╰"


@pytest.mark.parametrize(("cols", "rows"), [(40, 20), (120, 40), (80, 10)])
def test_after_a_resize_there_is_one_prompt_box_of_the_new_width(demo, tmp_path, cols, rows):
    running = demo(tmp_path)
    running.type("half a prompt")
    running.shows("half a prompt")
    running.resize(cols, rows)
    rule = "─" * (cols - 3)
    shown = running.until(lambda screen: f"╰{rule}╯" in screen)
    assert shown.count("> half a prompt") == 1
    running.type("\x15gone\r")
    running.shows("What next?")


def test_after_a_resize_it_matters_not_how_the_terminal_folded_what_was_there(demo, tmp_path):
    """Terminals differ in where that leaves the cursor."""
    running = demo(tmp_path)
    running.type("Say hello\r")
    running.shows("What next?")
    running.resize(50, 30)
    running.screen.feed(b"\x1b[29;1H")
    shown = running.until(lambda screen: f"╰{'─' * 47}╯" in screen)
    assert shown.count("│ >") == 1
    assert "> Say hello" in shown


def test_a_hangup_ends_it(demo, tmp_path):
    running = demo(tmp_path)
    running.signal(signal.SIGHUP)
    assert running.ended() == 128 + signal.SIGHUP


# ---- its parts


def test_keys_arrive_whole_however_they_are_cut():
    typed = "aü世\r\x1b[A\x1bOB\x1b[3~\x1b\r\x03".encode() + PASTED.format("x\r\ny").encode()
    whole = Keys().feed(typed)
    keys = Keys()
    cut = [key for byte in typed for key in keys.feed(bytes([byte]))]
    assert [k.name for k in whole if k.name != "text"] == [k.name for k in cut if k.name != "text"]
    assert "".join(k.text for k in whole) == "".join(k.text for k in cut) == "aü世x\ny"
    assert [k.name for k in whole][1:] == [
        *("enter", "up", "down", "delete", "newline", "ctrl+c", "paste"),
    ]


def test_an_escape_alone_waits_for_what_may_follow():
    keys = Keys()
    assert keys.feed(b"\x1b") == []
    assert keys.has_escape
    assert keys.escape() == [Key("escape")]


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["left", "x"], "abxc"),
        (["backspace"], "ab"),
        (["home", "delete"], "bc"),
        (["ctrl+u", "z"], "z"),
        (["newline", "d", "up", "home", "x"], "xabc\nd"),
        (["home", "ctrl+k"], ""),
        ([" ", "d", "ctrl+w"], "abc"),
        (["unknown"], "abc"),
    ],
)
def test_editing(keys, text):
    editor = Editor()
    for name in ["abc", *keys]:
        plain = name if name == "abc" or len(name) == 1 else ""
        editor.key(Key("text", plain) if plain else Key(name))
    assert editor.text == text


def test_earlier_prompts_come_back():
    editor = Editor()
    for text in ("one", "two"):
        editor.key(Key("text", text))
        editor.take()
    for name, text in (("up", "two"), ("up", "one"), ("up", "one"), ("down", "two"), ("down", "")):
        editor.key(Key(name))
        assert editor.text == text


def test_wrapping_counts_cells():
    assert fold("世界世界", 4) == ["世界", "世界"]
    assert wrap("one two three", 7) == ["one two", "three"]
    assert all(cells(line) <= 5 for line in wrap("a 世界世界世界 b", 5, "  "))
    assert clip("123456", 4) == "123…"
    assert cells("\x1b[1mé\x1b[0m") == 1
