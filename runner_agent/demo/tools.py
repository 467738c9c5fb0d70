"""Mesh's tools, called by the demo as any agent calls them: through the Pod's own door, while the screen goes on."""

import threading
from typing import Any

from runner_agent.demo.folder import WorkError
from runner_agent.demo.step import Doing, Step
from runner_agent.pod_command import TroubleError, ask

Answer = dict[str, Any]


def call(tool: str, **arguments: object) -> Doing[Answer]:
    """The tool's data. Raises WorkError for a refusal."""
    found: list[Answer | TroubleError] = []

    def run() -> None:
        try:
            found.append(ask("tools/call", {"name": tool, "arguments": arguments}))
        except TroubleError as trouble:
            found.append(trouble)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        yield Step("wait")
    return _data(tool, found[0])


def _data(tool: str, answer: Answer | TroubleError) -> Answer:
    if isinstance(answer, TroubleError):
        raise WorkError(str(answer))
    if answer.get("isError"):
        raise WorkError(f"{tool}: " + " ".join(part["text"] for part in answer["content"]))
    return dict(answer.get("structuredContent") or {})
