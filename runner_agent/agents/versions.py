"""Versions, and what is wanted of them: one exactly, or bounds such as ">=2.1.197,<2.2". Empty: any."""

import re

_BOUND = re.compile(r"(>=|<=|==|>|<)\s*(\S+)")
_FOUND = re.compile(r"\d+\.\d+[\w.+-]*")


def is_wanted(version: str, wanted: str) -> bool:
    """What follows the numbers, such as "-alpha.1", counts in an exact version only."""
    if not wanted:
        return True
    if not is_range(wanted):
        return version == wanted.removeprefix("==")
    bounds = [_BOUND.fullmatch(bound.strip()) for bound in wanted.split(",")]
    return all(bound is not None and _holds(version, bound[1], bound[2]) for bound in bounds)


def is_range(wanted: str) -> bool:
    return not wanted or "," in wanted or wanted[0] in "<>"


def order(version: str) -> tuple[int, ...]:
    """To sort by."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(number) for number in found[0].split(".")] if found else []
    return tuple([*numbers, 0, 0, 0, 0][:4])


def found_in(text: str) -> str:
    """The first version that a program names when asked for its own."""
    found = _FOUND.search(text)
    return found[0] if found else ""


def _holds(version: str, sign: str, bound: str) -> bool:
    mine, theirs = order(version), order(bound)
    match sign:
        case ">=":
            return mine >= theirs
        case "<=":
            return mine <= theirs
        case ">":
            return mine > theirs
        case "<":
            return mine < theirs
    return mine == theirs
