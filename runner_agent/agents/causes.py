"""Why an installation failed: the cause in what the installer said, and the cure."""

import re
from dataclasses import dataclass

from runner_agent.agents.process import Ended
from runner_agent.messages import CommandError

CODE = "agent_install_failed"


@dataclass(frozen=True, slots=True)
class _Cause:
    said: re.Pattern[str]
    sentence: str


def _cause(said: str, sentence: str) -> _Cause:
    return _Cause(re.compile(said), sentence)


# The first that fits, so the more telling ones come first. {what} is the package as it was asked for.
_CAUSES = (
    _cause(r"ENOSPC|No space left on device|Disk quota exceeded", "the disk is full: {room}"),
    _cause(
        r"EINTEGRITY|DO NOT MATCH THE HASHES",
        "what was downloaded is not what was announced: try again, then look for a proxy that alters it.",
    ),
    _cause(
        r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT"
        r"|NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError",
        "the package registry cannot be reached: check this machine's network and proxy settings,"
        " or give the agent type a mirror.",
    ),
    _cause(
        r"CERT_|SELF_SIGNED|SSLError|certificate verify failed",
        "the package registry's certificate is not trusted: install its authority on this machine.",
    ),
    _cause(
        r"\bE40[13]\b|401 Unauthorized|403 Forbidden",
        "the package registry refuses this machine: log in to it as the Runner's user.",
    ),
    _cause(
        r"ETARGET|No matching version found|from versions: (?!none)",
        "there is no such version of {what}: choose one that exists.",
    ),
    _cause(
        r"\bE404\b|404 Not Found|from versions: none|No matching distribution found",
        "the registry has no package {what}: check the name, and the mirror if there is one.",
    ),
    _cause(
        r"requires a different Python|Requires-Python",
        "{what} does not run on this machine's Python: install a Python it names.",
    ),
    _cause(
        r"ensurepip is not available|No module named (?:venv|ensurepip)",
        "this Python cannot make virtual environments: install its venv package (Debian: apt install python3-venv).",
    ),
    _cause(r"EACCES|EPERM|Permission denied", "a directory cannot be written: see the last line."),
)


def failed(name: str, why: str) -> CommandError:
    return CommandError(CODE, f"{name} could not be installed: {why}")


def of(name: str, what: str, ended: Ended, room: str) -> CommandError:
    """For an installer that did not end with 0."""
    last = _last_words(ended)
    if ended.timed_out:
        return failed(name, f"it took too long. It said last: {last}")
    for cause in _CAUSES:
        if cause.said.search(ended.text):
            return failed(name, f"{cause.sentence.format(what=what, room=room)} It said: {last}")
    return failed(name, f"the installer ended with {ended.exit_code}. It said: {last}")


_NOISE = re.compile(
    r"npm (?:http|notice|warn|verbose)|npm error (?:A complete log|\s+/)|\[notice\]|WARNING: Retrying"
)
_TELLING = re.compile(r"(?i)error")


def _last_words(ended: Ended) -> str:
    lines = [line for line in ended.lines if not _NOISE.match(line)]
    telling = [line for line in lines if _TELLING.search(line)] or lines
    return " / ".join(telling[-2:])[:300] or "nothing"
