"""`mesh-runner release build`: an archive of this very Runner, with every package it needs, for this platform and Python.

Nothing is fetched: the packages are those installed here, each file checked against its package's own record, and each
version against the lock. So what was tested is what is shipped, also without a network.
"""

import base64
import compileall
import hashlib
import py_compile
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import proto
import runner_agent
from runner_agent import machine
from runner_agent.link import wire
from runner_agent.update import archive, manifest, releases
from runner_agent.update.manifest import Manifest, ReleaseError

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LOCKED = re.compile(r"^([a-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_STAMP = re.compile(r'^__version__ = ".*"$', re.MULTILINE)
_RUN = '''\
"""Starts the program of this release, whatever else is installed: `python -I -S run.py daemon --home …`."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from runner_agent.cli import main  # noqa: E402

main()
'''


@dataclass(frozen=True, slots=True)
class Wanted:
    """`lock` is a requirements file with versions; without one the versions are those that are installed."""

    version: str
    out: Path
    key: Path
    lock: Path | None = None


def build(wanted: Wanted) -> Path:
    """The archive's path; its signed manifest lies beside it. Raises ReleaseError."""
    try:
        releases.order(wanted.version)
    except ValueError as error:
        raise ReleaseError("bad_version", f"{error}.") from error
    key = manifest.private_key(wanted.key)
    packages = {package.metadata["Name"].lower(): package for package in _needed(_requirements())}
    if wanted.lock:
        _check_locked(packages, wanted.lock)
    platform, python = machine.release_platform(), machine.release_python()
    wanted.out.mkdir(parents=True, exist_ok=True)
    path = wanted.out / f"mesh-runner-{wanted.version}-{platform}-py{python}.tar.gz"
    with tempfile.TemporaryDirectory(dir=wanted.out, prefix=".build-") as draft:
        _assemble(Path(draft), wanted.version, packages)
        unpacked = archive.pack(Path(draft), path)
    made = Manifest(
        version=wanted.version,
        platform=platform,
        python=python,
        size=path.stat().st_size,
        unpacked=unpacked,
        sha256=manifest.digest(path),
        protocol=wire.SPEAKS,
        packages={name: package.version for name, package in sorted(packages.items())},
    )
    manifest.sign(made, key).save(path)
    return path


# ---- which packages


def _requirements() -> list[str]:
    """Of this Runner: of its own package if it is installed as one, else of the checkout's pyproject.toml."""
    project = Path(runner_agent.__file__).parent.parent / "pyproject.toml"
    if project.exists():
        import tomllib

        return list(tomllib.loads(project.read_text())["project"]["dependencies"])
    try:
        return metadata.requires("mesh-runner") or []
    except metadata.PackageNotFoundError as error:
        raise ReleaseError(
            "no_sources", "What the Runner needs is not known here: build it in a checkout."
        ) from error


def _needed(requirements: list[str]) -> Iterator[metadata.Distribution]:
    """Each package once. One that a marker leaves out here is not installed, and so is no part of it."""
    seen: set[str] = set()
    waiting = [(each, True) for each in requirements]
    while waiting:
        requirement, is_ours = waiting.pop()
        name = _plain(requirement)
        if name in seen or "extra ==" in requirement:
            continue
        seen.add(name)
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError as error:
            if is_ours and ";" not in requirement:
                raise ReleaseError("not_installed", f"{name} is not installed here.") from error
            continue
        waiting += [(each, ";" not in each) for each in package.requires or []]
        yield package


def _plain(requirement: str) -> str:
    found = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else requirement


def _check_locked(packages: dict[str, metadata.Distribution], lock: Path) -> None:
    locked = {_plain(name): version for name, version in _LOCKED.findall(lock.read_text())}
    for name, package in packages.items():
        if locked.get(_plain(name)) != package.version:
            raise ReleaseError(
                "not_locked",
                f"{name} {package.version} is installed, and {lock} says {locked.get(_plain(name), 'nothing')}.",
            )


# ---- what is in it


def _assemble(draft: Path, version: str, packages: dict[str, metadata.Distribution]) -> None:
    library = draft / "lib"
    for package in packages.values():
        _copy(package, library)
    leave_out = shutil.ignore_patterns("__pycache__", "*.pyi")
    for ours in (runner_agent, proto):
        source = Path(next(iter(ours.__path__)))
        shutil.copytree(source, library / source.name, ignore=leave_out, dirs_exist_ok=True)
    stamped = library / "runner_agent" / "__init__.py"
    stamped.write_text(_STAMP.sub(f'__version__ = "{version}"', stamped.read_text()))
    (draft / "run.py").write_text(_RUN)
    compileall.compile_dir(
        library,
        quiet=2,
        stripdir=str(draft),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        workers=1,
    )


def _copy(package: metadata.Distribution, library: Path) -> None:
    """The package's files as its record names them; what is not below the library (programs) is left out."""
    for file in package.files or []:
        source = Path(str(file.locate()))
        if ".." in file.parts or "__pycache__" in file.parts or not source.is_file():
            continue
        data = source.read_bytes()
        if file.hash and _digest(data, file.hash.mode) != file.hash.value:
            raise ReleaseError(
                "changed",
                f"{source} is not as {package.metadata['Name']} brought it. Install it anew.",
            )
        target = library / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


def _digest(data: bytes, mode: str) -> str:
    digest = hashlib.new(mode, data).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
