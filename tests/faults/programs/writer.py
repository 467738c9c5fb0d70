"""Runs in a Pod: writes numbered random bytes as told, and keeps a record of every byte that is typed.

python3 writer.py SEED BLOCKS SIZE RATE: blocks of up to SIZE bytes at RATE bytes a second, to the raw terminal.
What is typed is appended to `typed` in the Workspace before anything else is done with it.
"""

import os
import pathlib
import random
import select
import sys
import time
import tty

PRINTED = bytes(32 + byte % 95 for byte in range(256))  # a terminal answers none of these


def block(number, rng, size):
    body = rng.randbytes(rng.randrange(1, size)).translate(PRINTED)
    return b"#%08d %s\r\n" % (number, body)


def expected(seed, blocks, size):
    """All that the program writes."""
    rng = random.Random(seed)
    return b"".join(block(number, rng, size) for number in range(blocks))


def main():
    seed, blocks, size, rate = map(int, sys.argv[1:])
    tty.setraw(0)
    rng, began, wrote = random.Random(seed), time.monotonic(), 0
    with pathlib.Path("typed").open("ab", buffering=0) as typed:
        for number in range(blocks):
            data = block(number, rng, size)
            while data:
                data = data[os.write(1, data) :]
            wrote += size // 2
            keep(typed, max(0.0, began + wrote / rate - time.monotonic()))
        while True:
            keep(typed, 3600)


def keep(typed, patience):
    """Take what is typed, for so long."""
    until = time.monotonic() + patience
    while select.select([0], [], [], max(0.0, until - time.monotonic()))[0]:
        data = os.read(0, 65536)
        if not data:
            sys.exit()
        typed.write(data)


if __name__ == "__main__":
    main()
