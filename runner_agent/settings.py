"""What a person may set on a Runner: in `config.toml`, or as MESH_RUNNER_<NAME>."""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner_agent.errors import ToldError

ISOLATION_LEVELS = ("auto", "jail", "none")
LOG_FORMATS = ("line", "json")
MOST_PODS = 10_000


_OF_REGISTRIES = re.compile(
    r"(?i:(https?|all|no)_proxy)|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|REQUESTS_CA_BUNDLE"
    r"|(?i:npm_config_(registry|userconfig|globalconfig|cafile|strict_ssl|https?_proxy|noproxy))"
    r"|PIP_(CONFIG_FILE|NO_INDEX|(EXTRA_)?INDEX_URL|FIND_LINKS|CERT|CLIENT_CERT|TRUSTED_HOST|PROXY|DEFAULT_TIMEOUT)"
)


class ConfigError(ToldError):
    """A setting that cannot be used."""


def read_labels(given: str | list[str] | dict[str, Any]) -> dict[str, str]:
    """From a table, from "k=v" words, or from one string of them separated by commas."""
    if isinstance(given, dict):
        return {str(name): str(value) for name, value in given.items()}
    words = given.split(",") if isinstance(given, str) else given
    pairs = [word.strip().partition("=") for word in words if word.strip()]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise ValueError(f"a label is written name=value, not {name!r}.")
    return {name: value for name, _, value in pairs}


def _read_capacity(given: str | int) -> int:
    capacity = int(given)
    if not 0 <= capacity <= MOST_PODS:
        raise ValueError(f"capacity is a number of Pods up to {MOST_PODS}; 0 is the default.")
    return capacity


def _read_roots(given: str | list[str]) -> tuple[Path, ...]:
    words = given.split(os.pathsep) if isinstance(given, str) else given
    return tuple(Path(word).expanduser().resolve() for word in words if word)


def _read_isolation(given: str) -> str:
    if given not in ISOLATION_LEVELS:
        raise ValueError(f"isolation is one of {', '.join(ISOLATION_LEVELS)}, not {given!r}.")
    return given


def _read_log_format(given: str) -> str:
    if given not in LOG_FORMATS:
        raise ValueError(f"log_format is one of {', '.join(LOG_FORMATS)}, not {given!r}.")
    return given


def _read_switch(given: str | bool) -> bool:  # noqa: FBT001 - as TOML has it
    switches = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if isinstance(given, bool):
        return given
    if given.lower() not in switches:
        raise ValueError(f"a switch is true or false, not {given!r}.")
    return switches[given.lower()]


_READERS: dict[str, Any] = {
    "labels": read_labels,
    "capacity": _read_capacity,
    "repository_roots": _read_roots,
    "copy_roots": _read_roots,
    "isolation": _read_isolation,
    "log_max": int,
    "log_format": _read_log_format,
    "allow_login": _read_switch,
}


def from_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        held = tomllib.loads(path.read_text())
        unknown = held.keys() - _READERS.keys()
        if unknown:
            known = ", ".join(_READERS)
            raise ConfigError(f"{path}: {', '.join(unknown)} is no setting. There are: {known}.")
        return {name: _READERS[name](value) for name, value in held.items()}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from error
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    held = {}
    for name, read in _READERS.items():
        variable = f"MESH_RUNNER_{name.upper()}"
        if text := environ.get(variable):
            try:
                held[name] = read(text)
            except ValueError as error:
                raise ConfigError(f"{variable}: {error}") from error
    return held


def of_registries(environ: Mapping[str, str]) -> dict[str, str]:
    """What of the environment says how npm and pip reach their packages: registries, mirrors, proxies, authorities."""
    return {name: value for name, value in environ.items() if _OF_REGISTRIES.fullmatch(name)}


def change(path: Path, **changes: Any) -> None:
    """Write the file anew: what it held, with the changes."""
    held = from_file(path) | changes
    lines = [f"{name} = {_toml(value)}" for name, value in held.items() if name != "labels"]
    lines += ["", "[labels]"]
    lines += [f"{_toml(name)} = {_toml(value)}" for name, value in held.get("labels", {}).items()]
    replace_file(path, "\n".join([*lines, ""]).encode())


def replace_file(path: Path, data: bytes) -> None:
    """All of it or nothing, on the disk before it has the name; mode 0600."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)


def _toml(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, int):
        return str(value).lower()
    return json.dumps(str(value), ensure_ascii=False)  # a JSON string is a TOML string
