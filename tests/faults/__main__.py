"""What `make test-faults` does: `python -m tests.faults [arguments of pytest]`.

SEED= chooses the faults of the long mix, SECONDS= its length. One system after the other: two starve each other.
"""

import os
import sys
from pathlib import Path

from tests.again import passes


def main() -> None:
    os.chdir(Path(__file__).resolve().parents[2])
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # processes that tests start are slow without
    chosen = sys.argv[1:]
    if not any(each.startswith("tests/") for each in chosen):
        chosen.append("tests/faults")
    chosen = ["-q", "-p", "tests.postgres", *chosen]
    sys.exit(0 if passes(chosen, chosen) else 1)


if __name__ == "__main__":
    main()
