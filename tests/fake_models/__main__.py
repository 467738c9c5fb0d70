"""For use by hand: a fake model server on a port, that tells what it was asked."""

import argparse
import json
import threading
from pathlib import Path

from tests.fake_models import FakeModels, Scenario

HELP = """\
point an agent at it:
  ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY=x claude
  GOOGLE_GEMINI_BASE_URL={url} GEMINI_API_KEY=x gemini
  OPENAI_API_BASE={url}/v1 OPENAI_API_KEY=x aider --model openai/fake-model
or make a credential set in Mesh with this base URL. Ctrl-C ends it."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_models", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--scenario", type=Path, help="JSON; read at each request anew")
    parser.add_argument("--log", type=Path, help="write each request there, one JSON a line")
    asked = parser.parse_args()
    scenario = _Reread(asked.scenario) if asked.scenario else Scenario()
    with FakeModels(scenario, port=asked.port, log=asked.log) as models:
        print(f"{models.url}\n{HELP.format(url=models.url)}", flush=True)  # noqa: T201 - a program's output
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


class _Reread(Scenario):
    """A file that may be edited while the server runs."""

    def __init__(self, path: Path) -> None:
        self._path, self._seen = path, 0.0
        self._again()

    def reply(self, asked):
        if self._path.stat().st_mtime != self._seen:
            self._again()
        return super().reply(asked)

    def _again(self) -> None:
        self._seen = self._path.stat().st_mtime
        super().__init__(json.loads(self._path.read_text()))


if __name__ == "__main__":
    main()
