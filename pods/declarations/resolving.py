"""From what a type declares and what was chosen to the one launch of a Pod."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pods.declarations.checking import OPTIONS, Declaration
from pods.declarations.reading import PERMISSIONS
from pods.declarations.versions import is_version

Extra = Mapping[str, Any]  # {"argv": […], "env": {…}}


class ChoiceError(ValueError):
    """`field` is what was chosen; the sentence says what there is to choose."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Choices:
    """Empty: as declared. `argv` is for types without a command line of their own. `provider`: whose key it is."""

    permissions: str = ""
    model: str = ""
    version: str = ""
    argv: tuple[str, ...] = ()
    provider: str = ""


def resolve(declared: Declaration, chosen: Choices) -> Declaration:
    """What a Runner needs to launch it: the words for permissions and model are in their places.

    Raises ChoiceError.
    """
    launch = declared["launch"]
    extras = [_permissions(declared, chosen), _model(declared, chosen)]
    return {
        **declared,
        "install": {**declared["install"], "version": _version(declared, chosen)},
        "launch": {
            "argv": _with(launch["argv"] or chosen.argv, extras),
            "resume": _with(launch["resume"], extras),
            "fork": _with(launch["fork"], extras),
            "before_fork": launch.get("before_fork", []),  # one that was kept may be older
            "env": {
                name: value for each in [launch, *extras] for name, value in each["env"].items()
            },
        },
        "credentials": _variables(declared["credentials"], chosen.provider),
    }


def permission_modes(declared: Declaration) -> list[str]:
    """Those it has, from the most careful to the most trusting."""
    return [mode for mode in PERMISSIONS if mode in declared["launch"]["permissions"]]


def _permissions(declared: Declaration, chosen: Choices) -> Extra:
    known = declared["launch"]["permissions"]
    if not chosen.permissions:
        return _NOTHING
    if chosen.permissions in known:
        extra: Extra = known[chosen.permissions]
        return extra
    there = permission_modes(declared)
    cure = f"choose one of {', '.join(there)}" if there else "leave permissions out"
    raise ChoiceError(
        "permissions",
        f"{declared['name']} has no permission mode “{chosen.permissions[:40]}”: {cure}.",
    )


def _model(declared: Declaration, chosen: Choices) -> Extra:
    extra: Extra = declared["launch"]["model"]
    if not chosen.model:
        return _NOTHING
    if not (extra["argv"] or extra["env"]):
        raise ChoiceError("model", f"{declared['name']} takes no model: leave it out.")
    return extra


def _version(declared: Declaration, chosen: Choices) -> str:
    install = declared["install"]
    if not chosen.version:
        return str(install["version"])
    if install["kind"] not in {"npm", "pip"}:
        raise ChoiceError(
            "version", f"{declared['name']} is not installed by version: leave it out."
        )
    if not is_version(chosen.version):
        raise ChoiceError("version", "Give one version, such as 2.1.330.")
    return chosen.version


def _variables(credentials: Mapping[str, Any], provider: str) -> dict[str, Any]:
    """Each part of a credential set → the environment variable it becomes; and the login's files."""
    named = {}
    for part in ("api_key", "base_url"):
        variable = credentials[part]
        named[part] = variable.get(provider, "") if isinstance(variable, Mapping) else variable
    return {**named, "login": credentials["login"]}


def _with(words: Sequence[str], extras: Sequence[Extra]) -> list[str]:
    """An empty command line stays empty: there is no such way to launch it."""
    options = [word for extra in extras for word in extra["argv"]]
    if OPTIONS not in words:
        return [*words, *options] if words else []
    at = list(words).index(OPTIONS)
    return [*words[:at], *options, *(word for word in words[at + 1 :] if word != OPTIONS)]


_NOTHING: Extra = {"argv": [], "env": {}}
