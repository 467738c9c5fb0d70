"""Fill `{session}`, `{home}`, `{secret:api_key}` and their like into what an agent type declares."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

NAMES = (
    *("session", "resume", "home", "workspace", "files", "mcp_url", "token_file", "model", "pod"),
    *("forked_home", "forked_workspace"),
)
_PLACE = re.compile(
    r"\{(?:(?P<name>" + "|".join(NAMES) + r")|secret:(?P<secret>[a-z_]+)(?:\[-(?P<last>\d+):\])?)\}"
)
_CONDITION = re.compile(r" *\{(?P<kind>with|without):(?P<secret>[a-z_]+)\}")


class AbsentError(Exception):
    """A secret that was not given."""


class SecretHereError(Exception):
    """A secret where others could read it."""


@dataclass(frozen=True, slots=True)
class Filler:
    """`{secret:name[-20:]}` is the last 20 characters of one. Other braces are the declaration's own."""

    values: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)

    def word(self, text: str) -> str:
        """For a command line or a path. SecretHereError if a secret is named."""
        if has_secret(text):
            raise SecretHereError(text)
        return self._fill(text, quoted=False)

    def variable(self, text: str) -> str:
        """For the environment. AbsentError."""
        return self._fill(text, quoted=False)

    def content(self, text: str, *, quoted: bool) -> str:
        """For a file; `quoted`: each value stands within a JSON or TOML string.

        A line with an absent secret is left out, as is one whose `{with:name}` or `{without:name}` does not hold.
        """
        lines = []
        for line in text.splitlines(keepends=True):
            if all(map(self._holds, _CONDITION.finditer(line))):
                with suppress(AbsentError):
                    lines.append(self._fill(_CONDITION.sub("", line), quoted=quoted))
        return "".join(lines)

    def _holds(self, condition: re.Match[str]) -> bool:
        return bool(self.secrets.get(condition["secret"])) == (condition["kind"] == "with")

    def _fill(self, text: str, *, quoted: bool) -> str:
        def value(found: re.Match[str]) -> str:
            if found["name"]:
                filled = self.values[found["name"]]
            else:
                held = self.secrets.get(found["secret"])
                if not held:
                    raise AbsentError(found["secret"])
                filled = held[-int(found["last"]) :] if found["last"] else held
            return json.dumps(filled)[1:-1] if quoted else filled

        return _PLACE.sub(value, text)


def has_secret(text: str) -> bool:
    return any(found["secret"] for found in _PLACE.finditer(text))
