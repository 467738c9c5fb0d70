"""Small work that nobody waits for: hints that may be late, merged or lost."""

import atexit
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

OWED_MAX = 1024  # things a slow Redis may be owed a hint about; the oldest go first
LEAVES_WITHIN_S = 1.0

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Aside(Generic[Key, Value]):
    """One thread of this process does what is owed: once for each key, with its latest value.

    `opened` gives what is called there; it is entered and left in that thread.
    """

    def __init__(
        self, name: str, opened: Callable[[], AbstractContextManager[Callable[[Key, Value], None]]]
    ) -> None:
        self._name, self._opened = name, opened
        self._changed = threading.Condition()
        self._owed: OrderedDict[Key, Value] = OrderedDict()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._process = 0  # whose thread it is: a forked child has none of its parent's

    def put(self, key: Key, value: Value) -> None:
        """Never waits, never raises."""
        with self._changed:
            if self._process != os.getpid():
                self._start()
            self._owed[key] = value
            self._owed.move_to_end(key)
            while len(self._owed) > OWED_MAX:
                self._owed.popitem(last=False)
            self._changed.notify()

    def close(self) -> None:
        """What is owed is dropped; what is being done has a second to end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread and self._process == os.getpid():
            self._thread.join(LEAVES_WITHIN_S)

    def _start(self) -> None:
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def _run(self) -> None:
        with self._opened() as do:
            while owed := self._next():
                try:
                    do(*owed)
                except Exception:  # the root of this thread's work
                    logger.exception("%s: %s", self._name, owed[0])

    def _next(self) -> tuple[Key, Value] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._owed))
            return None if self._closed else self._owed.popitem(last=False)
