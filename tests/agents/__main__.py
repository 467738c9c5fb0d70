"""What `make test-agents` does: `python -m tests.agents [tries] [slug ...]`.

The five real programs are installed by a Runner from their registries and driven against the fake model server, two at
a time. `tries`: how often each text that is easily mistyped is sent (2).
"""

import os
import sys
from pathlib import Path

from tests.again import passes
from tests.agents.programs import PROGRAMS


def main() -> None:
    os.chdir(Path(__file__).resolve().parents[2])
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    words = sys.argv[1:]
    tries = words.pop(0) if words and words[0].isdigit() else "2"
    if unknown := set(words) - PROGRAMS.keys():
        sys.exit(f"There is no {', '.join(sorted(unknown))}; there are {', '.join(PROGRAMS)}.")
    os.environ |= {"AGENT_TRIES": tries, "AGENT_SLUGS": " ".join(words or PROGRAMS)}
    alone = ["-v", "tests/agents/life.py"]
    sys.exit(not passes(["-n", "2", "--dist", "loadscope", *alone], alone))


if __name__ == "__main__":
    main()
