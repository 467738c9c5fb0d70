"""The archive of a release: packed the same way each time, unpacked beside the others and then given its name."""

import gzip
import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath

from runner_agent.update.manifest import Manifest, ReleaseError, Signed
from runner_agent.update.releases import Releases

SPARE = 64 << 20  # bytes that stay free for logs and Workspaces
_EXECUTABLE, _PLAIN = 0o755, 0o644


def pack(directory: Path, archive: Path) -> int:
    """All files below, in order, of nobody and of no time: the same content is the same archive. Its unpacked size."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in paths:
            info = tarfile.TarInfo(str(path.relative_to(directory)))
            info.size = path.stat().st_size
            info.mode = _EXECUTABLE if path.stat().st_mode & 0o100 else _PLAIN
            with path.open("rb") as file:
                tar.addfile(info, file)
    return sum(path.stat().st_size for path in paths)


def check_room(releases: Releases, needed: int) -> None:
    """Before anything is written. Raises ReleaseError."""
    free = shutil.disk_usage(releases.directory).free
    if free < needed + SPARE:
        raise ReleaseError(
            "disk_full",
            f"The disk of {releases.directory} has {free >> 20} MB free; this update takes {needed >> 20} MB"
            f" and leaves {SPARE >> 20} MB. Make room, then try again.",
        )


def install(releases: Releases, archive: Path, manifest: Manifest, signed: Signed) -> None:
    """Whole or not at all. Raises ReleaseError."""
    place = releases.place(manifest.version)
    draft = place.with_name(f".{manifest.version}.draft")
    remove(draft)
    try:
        _unpack(archive, draft)
        (draft / "release.json").write_text(signed.text)
        os.sync()  # all of it is on the disk before it has its name
        remove(place)
        draft.rename(place)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise ReleaseError(
            "not_installed",
            f"{manifest.version} cannot be installed: {getattr(error, 'strerror', None) or error}.",
        ) from error
    finally:
        remove(draft)


def remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)


def _unpack(archive: Path, draft: Path) -> None:
    draft.mkdir(mode=0o700)
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            if not member.isreg() or name.is_absolute() or ".." in name.parts:
                raise ReleaseError(
                    "bad_archive",
                    f"The archive holds {member.name!r}, which is no file of a release.",
                )
            target = draft / name
            target.parent.mkdir(parents=True, exist_ok=True)
            content = tar.extractfile(member)
            assert content  # noqa: S101 - it is a file
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file)
            target.chmod(member.mode & _EXECUTABLE)
