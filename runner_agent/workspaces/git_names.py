"""Which repository addresses and which names of branches, tags and commits are taken. Pure."""

import re
from dataclasses import dataclass
from pathlib import Path

from runner_agent.messages import CommandError

_LONGEST = 2048
_ODD = re.compile(r"[\x00-\x20\x7f-\x9f\\`$<>\"'|;&(){}\[\]*?!#%^]")
_USER = r"(?:[a-z_][a-z0-9_-]{0,31}@)"
_ADDRESSES = (
    re.compile(r"https://(?P<host>[A-Za-z0-9.-]+)(?::(?P<port>\d{1,5}))?/(?P<path>[^@:]+)"),
    re.compile(rf"ssh://{_USER}?(?P<host>[A-Za-z0-9.-]+)(?::(?P<port>\d{{1,5}}))?/(?P<path>.+)"),
    re.compile(rf"{_USER}(?P<host>[A-Za-z0-9.-]+):(?P<port>)(?P<path>(?!/?-)[^:]+)"),
)
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\Z")
_NUMERIC = re.compile(r"[0-9.]+|0x[0-9a-f.x]+", re.IGNORECASE)
_PLAIN_IPV4 = re.compile(r"[1-9]\d{0,2}(\.\d{1,3}){3}")
_REF = re.compile(
    r"(?!.*(\.\.|@\{|//|/\.|\.lock(/|\Z)))[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}(?<![./])\Z"
)
_PSEUDO = frozenset({"HEAD", "FETCH_HEAD", "ORIG_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD"})


@dataclass(frozen=True, slots=True)
class Source:
    """A repository that may be cloned. `place` is where its clone lies in the cache, by host and path."""

    url: str  # as given to git
    place: str
    protocol: str  # the only one git may speak for it

    @property
    def is_local(self) -> bool:
        return self.protocol == "file"


def source_of(url: str, roots: tuple[Path, ...]) -> Source:
    """https, ssh and `user@host:path`; a path on this machine only below `roots`. Else CommandError bad_url."""
    if not 1 <= len(url) <= _LONGEST or url.startswith("-"):
        raise _bad(url)
    if url.startswith(("/", "file:///")):
        return _local(url.removeprefix("file://"), roots)
    if _ODD.search(url):
        raise _bad(url)
    found = next((m for form in _ADDRESSES if (m := form.fullmatch(url))), None)
    if found is None:
        raise _bad(url)
    host, port, path = found["host"].lower(), found["port"] or "", found["path"].strip("/")
    _check_host(url, host, port)
    place = f"{host}_{port}" if port else host
    return Source(
        url=url,
        place=f"{place}/{_path(url, path)}.git",
        protocol="https" if url.startswith("https:") else "ssh",
    )


def check_ref(name: str) -> str:
    """CommandError bad_branch for what git could take for an option, an expression or a range."""
    if not _REF.match(name) or name.upper() in _PSEUDO:
        raise CommandError(
            "bad_branch", f"{name[:80]!r} cannot be the name of a branch, a tag or a commit."
        )
    return name


def _local(given: str, roots: tuple[Path, ...]) -> Source:
    try:
        path = Path(given).resolve(strict=True)
    except (OSError, ValueError) as error:
        raise CommandError("unreachable", f"There is no repository {given[:200]}.") from error
    if not any(path.is_relative_to(root) for root in roots):
        raise CommandError(
            "bad_url",
            f"{given[:200]} is not below a directory that this Runner may take repositories from. "
            "Add one to repository_roots in its config.toml.",
        )
    place = f"_local{str(path).removesuffix('.git')}.git"
    return Source(url=str(path), place=place, protocol="file")


def _check_host(url: str, host: str, port: str) -> None:
    if not _HOST.match(host) or (port and not 0 < int(port) < 1 << 16):
        raise _bad(url)
    if _NUMERIC.fullmatch(host) and not _PLAIN_IPV4.fullmatch(host):
        raise _bad(url)  # an address in disguise


def _path(url: str, path: str) -> str:
    path = path.removesuffix(".git")
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.startswith("-") for part in parts):
        raise _bad(url)
    if any(part.endswith(".git") for part in parts):  # would lie in another repository's clone
        raise _bad(url)
    return path


def _bad(url: str) -> CommandError:
    return CommandError(
        "bad_url",
        f"{url[:200]!r} is not an address this Runner clones from: give https://host/path, "
        "ssh://user@host/path or user@host:path, without a password in it.",
    )
