"""Versions and ranges of them, as `install.version` and `install.tested` have them."""

import re

_VERSION = re.compile(r"\d+(\.\d+){0,3}([-+.]?[A-Za-z][\w.+-]*)?")
_BOUND = re.compile(r"(>=|<=|==|>|<)\s*(\d+(?:\.\d+){0,3})")
_HOLDS = {
    ">=": lambda order: order >= 0,
    "<=": lambda order: order <= 0,
    "==": lambda order: order == 0,
    ">": lambda order: order > 0,
    "<": lambda order: order < 0,
}


def is_version(text: str) -> bool:
    return _VERSION.fullmatch(text) is not None


def is_range(text: str) -> bool:
    return all(_BOUND.fullmatch(bound.strip()) for bound in text.split(","))


def is_within(version: str, tested: str) -> bool:
    """Whether `version` lies in the range; what follows its numbers does not count. An empty range holds all."""
    if not tested:
        return True
    bounds = [_BOUND.fullmatch(bound.strip()) for bound in tested.split(",")]
    return all(bound and _HOLDS[bound[1]](_order(version, bound[2])) for bound in bounds)


def _order(one: str, other: str) -> int:
    mine, theirs = _numbers(one), _numbers(other)
    return (mine > theirs) - (mine < theirs)


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(number) for number in found[0].split(".")] if found else []
    return tuple([*numbers, 0, 0, 0, 0][:4])
