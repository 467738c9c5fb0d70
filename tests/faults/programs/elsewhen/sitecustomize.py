"""First on PYTHONPATH it moves a program's wall clock by MOVED_BY seconds; what counts seconds is left alone.

Python's own clocks only: libfaketime breaks time.sleep, and moves the deadlines that threads of gRPC wait for.
"""

import datetime
import os
import time

BY = float(os.environ["MOVED_BY"])
_seconds, _nanoseconds = time.time, time.time_ns


class Moved(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)


time.time = lambda: _seconds() + BY
time.time_ns = lambda: _nanoseconds() + int(BY * 1_000_000_000)
datetime.datetime = Moved
