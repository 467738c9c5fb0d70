"""`make bench`: start a Mesh of its own, measure, print figures and whether the aims are met.

python -m bench [MEASURE …] [--json FILE]
"""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from bench.measures import MEASURES
from bench.system import running


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=", ".join(MEASURES))
    parser.add_argument("--json", type=Path, help="also write the figures here")
    wanted = parser.parse_args()
    unknown = set(wanted.measures) - set(MEASURES)
    if unknown:
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    figures = []
    with running() as system:
        for name in wanted.measures or MEASURES:
            print(name, flush=True)
            for figure in asyncio.run(MEASURES[name](system)):
                print(figure.line(), flush=True)
                figures.append(figure)
    if wanted.json:
        wanted.json.write_text(json.dumps([asdict(f) | {"met": f.met} for f in figures], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
