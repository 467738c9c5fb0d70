"""What `make test-faults` does: `python -m tests.faults [arguments of pytest]`.

SEED= chooses the faults of the long mix, SECONDS= its length. First, two at a time, what compares; then, one after the
other, what must be well again within seconds. Without arguments both.
"""

import os
import sys
from pathlib import Path

from tests.again import passes

HERE = "tests/faults"
COMPARE = (
    *("test_a_crowd", "test_the_long_mix", "test_mutants", "test_channels", "test_restore"),
    *("test_programs_of_before", "test_clocks", "test_disks"),
)
BASE = ["-q", "-p", "tests.postgres"]
TWO_WORKERS = ["-n", "2", "--dist", "loadscope", "--no-loadscope-reorder"]  # long ones first


def main() -> None:
    os.chdir(Path(__file__).resolve().parents[2])
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # processes that tests start are slow without
    chosen = sys.argv[1:]
    if any(each.startswith("tests/") for each in chosen):
        wanted = [*BASE, *chosen]
        sys.exit(0 if passes(wanted, wanted) else 1)
    comparing = [*BASE, *chosen, *(f"{HERE}/{name}.py" for name in COMPARE)]
    timing = [*BASE, *chosen, HERE, *(f"--ignore={HERE}/{name}.py" for name in COMPARE)]
    compared = passes([*comparing, *TWO_WORKERS], comparing)
    timed = passes(timing, timing)
    sys.exit(0 if compared and timed else 1)


if __name__ == "__main__":
    main()
