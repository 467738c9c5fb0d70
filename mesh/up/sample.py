"""The sample repository: a small real project with a history, for a first Pod to work on."""

import subprocess
from pathlib import Path

AUTHOR = ("-c", "user.name=Mesh", "-c", "user.email=mesh@localhost", "-c", "commit.gpgsign=false")

_README = """\
# Tally

Counts the words of a text.

    $ python3 tally.py README.md
    12 words
"""
_FIRST = '''\
"""Count the words of the files named on the command line."""

import sys


def words(text):
    return text.split()


for name in sys.argv[1:]:
    with open(name) as file:
        print(len(words(file.read())), "words")
'''
_MOST_COMMON = '''\
"""Count the words of the files named on the command line."""

import sys
from collections import Counter


def words(text):
    return text.lower().split()


def most_common(text, number=3):
    return Counter(words(text)).most_common(number)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with open(name) as file:
            text = file.read()
        print(len(words(text)), "words; most often:", most_common(text))
'''
_TESTS = '''\
"""Run with: python3 -m unittest"""

import unittest

from tally import most_common, words


class TallyTest(unittest.TestCase):
    def test_words_are_counted_without_regard_to_case(self):
        self.assertEqual(words("The the"), ["the", "the"])

    def test_the_most_common_word_comes_first(self):
        self.assertEqual(most_common("a b a", 1), [("a", 2)])


if __name__ == "__main__":
    unittest.main()
'''
HISTORY: list[tuple[str, dict[str, str]]] = [
    ("Count the words of a text", {"README.md": _README, "tally.py": _FIRST}),
    ("Name the words that come most often", {"tally.py": _MOST_COMMON}),
    ("Test what is counted", {"test_tally.py": _TESTS}),
    ("Leave bytecode out", {".gitignore": "__pycache__/\n"}),
]


def make(path: Path) -> None:
    """Made beside its place and renamed, so that half a repository is never found."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    _git(path.parent, "init", "--quiet", "--initial-branch=main", str(draft))
    for message, files in HISTORY:
        for name, text in files.items():
            (draft / name).write_text(text)
        _git(draft, "add", "--all")
        _git(draft, *AUTHOR, "commit", "--quiet", "--no-verify", "--message", message)
    draft.rename(path)


def _git(directory: Path, *arguments: str) -> None:
    subprocess.run(  # noqa: S603 - our own command line
        ["git", "-C", str(directory), *arguments],  # noqa: S607 - the user's git
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
