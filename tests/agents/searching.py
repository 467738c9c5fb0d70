"""Where on this machine a secret can be found: files, command lines, environments."""

import subprocess
from collections.abc import Iterator
from pathlib import Path


def files_with(secret: str, root: Path, *, without: tuple[str, ...] = ()) -> list[str]:
    """Below `root`, relative to it; directories named in `without` are passed over."""
    words = ["grep", "-rlFs", "--devices=skip", "-f", "-"]
    words += [f"--exclude-dir={name}" for name in without]
    found = subprocess.run(
        [*words, root], input=secret, capture_output=True, text=True, check=False
    )
    assert found.returncode in {0, 1, 2}, found.stderr  # 2: a file has ended meanwhile
    return sorted(str(Path(line).relative_to(root)) for line in found.stdout.splitlines())


def command_lines_with(secret: str) -> list[str]:
    return [name for name, data in _of_processes("cmdline") if secret.encode() in data]


def environments_with(secret: str) -> list[bytes]:
    """Of processes that run, whole; this process and its children are not asked."""
    return [data for _, data in _of_processes("environ") if secret.encode() in data]


def _of_processes(what: str) -> Iterator[tuple[str, bytes]]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                yield process.name, (process / what).read_bytes()
            except OSError:  # it has ended
                continue
