"""How large the result of a Command may be."""

import json
from typing import Any

from runner_agent.messages import CommandError

RESULT_MAX = 64 * 1024  # bytes of a result's JSON; a larger one would hold up the Session


def fit(result: dict[str, Any]) -> dict[str, Any]:
    """The result, its output cut so that its JSON takes at most RESULT_MAX bytes."""
    while len(json.dumps(result)) > RESULT_MAX:
        texts = {name: value for name, value in result.items() if isinstance(value, str)}
        if not texts:
            raise CommandError("result_too_large", "The result is too large to be sent.")
        longest = max(texts, key=lambda name: len(texts[name]))
        half = texts[longest][: len(texts[longest]) // 2]
        result = {**result, longest: half, "truncated": True}
    return result
