"""Runs in a Pod: a line every few milliseconds, with its number and the machine's monotonic clock; typed lines come back."""

import os
import select
import sys
import time
import tty

PAUSE_S = 0.02


def main():
    tty.setraw(0)
    number = 0
    while True:
        number += 1
        os.write(1, b"%d %d\r\n" % (number, time.monotonic_ns()))
        if select.select([0], [], [], PAUSE_S)[0]:
            typed = os.read(0, 65536)
            if not typed:
                sys.exit()
            os.write(1, b"typed %s\r\n" % typed)


if __name__ == "__main__":
    main()
