"""The directory the demo works in, with git or without."""

import re
import subprocess
import sys
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

_WHERE = "mesh_demo"
_MANY = 5000  # files looked at
_TIMEOUT_S = 60.0
AUTHOR = ("-c", "user.name=Mesh demo", "-c", "user.email=demo@mesh.invalid")
_NOTE = re.compile(r"\b[A-Za-z0-9][A-Za-z0-9_-]*\.(?:md|txt)\b")
_KINDS = {
    ".py": "Python",
    ".js": "JavaScript",
    ".ts": "TypeScript",
    ".go": "Go",
    ".rs": "Rust",
    ".java": "Java",
    ".c": "C",
    ".rb": "Ruby",
    ".html": "HTML",
    ".css": "CSS",
    ".md": "Markdown",
}


class WorkError(Exception):
    """Something did not work; the message is what the program said."""


@dataclass(frozen=True, slots=True)
class Survey:
    files: int
    kinds: list[tuple[str, int]]
    last_commit: str


@dataclass(frozen=True, slots=True)
class Written:
    """`function` empty: a note, without a test. `text`: the lines to show."""

    function: str
    paths: tuple[str, ...]
    text: str


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root

    def has_git(self) -> bool:
        return self._try("rev-parse", "--is-inside-work-tree") == "true"

    def branch(self) -> str:
        return self._try("symbolic-ref", "--short", "HEAD")

    def survey(self) -> Survey:
        if self.has_git():
            names = self._try("ls-files").splitlines()[:_MANY]
        else:
            names = [path.name for path in self.root.rglob("*") if path.is_file()][:_MANY]
        kinds = Counter(_KINDS.get(Path(name).suffix, "other") for name in names)
        kinds.pop("other", None)
        return Survey(len(names), kinds.most_common(3), self._try("log", "-1", "--format=%s"))

    def write(self, wish: str) -> Written:
        """Into the note the wish names, such as HELLO.md; else a function named after it, and its test."""
        note = self.names_note(wish)
        return self._write_note(note, wish) if note else self._write_function(wish)

    @staticmethod
    def names_note(wish: str) -> str:
        found = _NOTE.search(wish)
        return found[0] if found else ""

    def _write_note(self, name: str, wish: str) -> Written:
        path = self.root / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise WorkError(f"{name} is not a plain file")
        lines = f"## {wish.strip()}\n\nWritten by the demo agent of Mesh. Hello!\n"
        before = path.read_text() if path.exists() else ""
        path.write_text(f"{before}\n{lines}" if before else lines)
        return Written("", (name,), lines)

    def _write_function(self, wish: str) -> Written:
        place = self.root / _WHERE
        place.mkdir(exist_ok=True)
        name = _free_name(place, _name(wish))
        sentence = wish.strip().split("\n")[0].replace("\\", "").replace('"', "'")[:70]
        module = (
            f'def {name}() -> str:\n    """{sentence or name}"""\n    return "{sentence or name}"\n'
        )
        test = (
            f"import unittest\n\nfrom {name} import {name}\n\n\n"
            f"class Test(unittest.TestCase):\n"
            f"    def test_{name}(self) -> None:\n"
            f'        self.assertEqual({name}(), "{sentence or name}")\n'
        )
        (place / f"{name}.py").write_text(module)
        (place / f"test_{name}.py").write_text(test)
        return Written(name, (f"{_WHERE}/{name}.py", f"{_WHERE}/test_{name}.py"), module)

    def test(self, written: Written) -> str:
        """The line that says how it went."""
        words = (sys.executable, "-S", "-B", "-m", "unittest", f"test_{written.function}")
        ended = run(words, self.root / _WHERE)
        if ended.returncode:
            raise WorkError(ended.stderr.strip()[-300:])
        return next(line for line in ended.stderr.splitlines() if line.startswith("Ran "))

    def commit(self, written: Written, wish: str) -> str:
        """The new commit's short id."""
        subject = wish.strip().split("\n")[0][:60]
        self.git("add", "--", *written.paths)
        options = ("--quiet", "--no-verify", "--no-gpg-sign", "-m", subject)
        self.git(*AUTHOR, "commit", *options, "--", *written.paths)
        return self.git("rev-parse", "--short", "HEAD")

    def counts(self, written: Written) -> list[tuple[str, int]]:
        """Each file with the lines added to it."""
        if not written.function:
            return [(written.paths[0], written.text.count("\n"))]
        return [(path, (self.root / path).read_text().count("\n")) for path in written.paths]

    def _try(self, *words: str) -> str:
        try:
            return self.git(*words)
        except WorkError:
            return ""

    def git(self, *words: str) -> str:
        """What it prints. Raises WorkError with its complaint."""
        ended = run(("git", *words), self.root)
        if ended.returncode:
            raise WorkError(ended.stderr.strip()[-300:])
        return ended.stdout.strip()


def run(words: tuple[str, ...], cwd: Path) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(  # noqa: S603 - our own words
            words,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WorkError(str(error)) from error


def _name(wish: str) -> str:
    plain = unicodedata.normalize("NFKD", wish).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)[:5]
    return re.sub(r"^(?=\d)", "n", "_".join(words))[:40] or "note"


def _free_name(place: Path, name: str) -> str:
    number, free = 1, name
    while (place / f"{free}.py").exists():
        number += 1
        free = f"{name}_{number}"
    return free
