"""The lines an agent adds to its records, each read once: regular files below its HOME alone, and not without limit."""

import fnmatch
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner_agent.agents import hostile

READ_MAX = 64 << 20  # bytes of one file at a time; the next reading goes on there
LINE_MAX = 8 << 20  # bytes; a longer line is passed over
FILES_MAX = 500
DEPTH_MAX = 8
ENTRIES_MAX = 5000  # of directories, looked through for one pattern


@dataclass(slots=True)
class _Tail:
    inode: int
    offset: int = 0
    skips: bool = False  # the rest of a line that is too long


class Records:
    """`pattern` is below `root`: `*` stands for any name, `**` for any folders."""

    def __init__(self, root: Path, pattern: str) -> None:
        self._root, self._pattern = root, tuple(part for part in pattern.split("/") if part)
        self._tails: dict[str, _Tail] = {}

    def new_lines(self) -> Iterator[tuple[str, bytes]]:
        """Of each file, what has come since the last time; whole lines only."""
        for parts in sorted(find(self._root, self._pattern)):
            name = "/".join(parts)
            try:
                with hostile.directory(self._root, *parts[:-1]) as folder:
                    descriptor = hostile.open_file(parts[-1], folder)
            except OSError:  # gone, or turned into a link
                continue
            try:
                for line in self._lines(name, descriptor):
                    yield name, line
            finally:
                os.close(descriptor)

    def new_objects(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, line in self.new_lines():
            try:
                held = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(held, dict):
                yield name, held

    def _lines(self, name: str, descriptor: int) -> Iterator[bytes]:
        found = os.fstat(descriptor)
        tail = self._tails.get(name)
        if tail is None or tail.inode != found.st_ino or found.st_size < tail.offset:
            tail = self._tails[name] = _Tail(found.st_ino)
        data = os.pread(descriptor, min(READ_MAX, found.st_size - tail.offset), tail.offset)
        end = data.rfind(b"\n") + 1
        if not end:
            if len(data) > LINE_MAX:
                tail.skips, tail.offset = True, tail.offset + len(data)
            return
        tail.offset += end
        lines = data[:end].split(b"\n")[:-1]
        if tail.skips:
            tail.skips = False
            lines = lines[1:]
        yield from (line for line in lines if len(line) <= LINE_MAX)


def find(root: Path, pattern: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The paths that fit, as their parts; links are not followed."""
    return _Search(root).below((), pattern)


class _Search:
    def __init__(self, root: Path) -> None:
        self._root, self._left = root, ENTRIES_MAX

    def below(self, at: tuple[str, ...], pattern: tuple[str, ...]) -> list[tuple[str, ...]]:
        if not pattern or len(at) > DEPTH_MAX:
            return []
        wanted, rest = pattern[0], pattern[1:]
        found = self.below(at, rest) if wanted == "**" else []
        for name, is_folder in self._entries(at):
            path = (*at, name)
            if wanted == "**":
                found += self.below(path, pattern) if is_folder else []
            elif not fnmatch.fnmatchcase(name, wanted):
                continue
            elif rest:
                found += self.below(path, rest) if is_folder else []
            elif not is_folder:
                found.append(path)
        return found[:FILES_MAX]

    def _entries(self, at: tuple[str, ...]) -> list[tuple[str, bool]]:
        names: list[tuple[str, bool]] = []
        try:
            with hostile.directory(self._root, *at) as folder, os.scandir(folder) as entries:
                for entry in entries:
                    self._left -= 1
                    if self._left < 0:
                        break
                    if not entry.is_symlink():
                        names.append((entry.name, entry.is_dir(follow_symlinks=False)))
        except OSError:  # it is gone, or a link
            return []
        return names
