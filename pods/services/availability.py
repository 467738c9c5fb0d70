"""Whether a Runner can launch an agent: it has the program, needs none, or can install it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from pods.declarations import Declaration, is_within
from pods.models import Runner

INSTALLER = "install:"
"""A Runner reports what it can install with as `install:npm` and so on, with a problem where it cannot."""

Reported = Mapping[str, Any]  # {slug, version, path, problem}


@dataclass(frozen=True, slots=True)
class Availability:
    """`problem` empty: it can be launched there. `versions` are those that lie there; `installs`: it is made at need."""

    versions: tuple[str, ...] = ()
    installs: bool = False
    problem: str = ""
    warning: str = ""


def availability(runner: Runner, declared: Declaration) -> Availability:
    install = declared["install"]
    program, kind = install["program"], install["kind"]
    mine = [each for each in runner.agents if _is_of(each, declared)]
    sound = [each for each in mine if not each.get("problem")]
    versions = tuple(sorted({str(each["version"]) for each in sound if each.get("version")}))
    warning = _warning(declared, versions)
    if not program and kind == "none":
        return Availability(versions)
    cannot = _cannot_install(runner, kind)
    if not cannot:
        return Availability(versions, installs=True, warning=warning)
    if sound:
        return Availability(versions, warning=warning)
    broken = next((str(each["problem"]) for each in mine), "")
    return Availability(
        problem=_sentence(declared["name"], broken, cannot if kind != "none" else "")
    )


def is_agent(reported: Reported) -> bool:
    """One that can be launched; not a way to install others."""
    return not reported.get("problem") and not str(reported.get("slug")).startswith(INSTALLER)


def has_agent(runner: Runner, declared: Declaration) -> bool:
    return not availability(runner, declared).problem


def _is_of(agent: Reported, declared: Declaration) -> bool:
    names = {declared["slug"], declared["install"]["program"]} - {""}
    return bool(names & {agent.get("slug"), PurePath(agent.get("path") or "").name})


def _cannot_install(runner: Runner, kind: str) -> str:
    """Why not; empty if it can."""
    said = next((each for each in runner.agents if each.get("slug") == INSTALLER + kind), None)
    if said is None:
        return f"it does not install with {kind}"
    return str(said.get("problem") or "")


def _sentence(name: str, broken: str, cannot: str) -> str:
    reasons = " and ".join(filter(None, [broken.rstrip("."), cannot.rstrip(".")]))
    return f"does not have {name}" + (f": {reasons}" if reasons else "")


def _warning(declared: Declaration, versions: tuple[str, ...]) -> str:
    tested = declared["install"]["tested"]
    others = [version for version in versions if not is_within(version, tested)]
    return f"{', '.join(others)} is not within the tested {tested}" if others else ""
