"""Small work that nobody waits for: hints that may be late, merged or lost."""

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

OWED_MAX = 1024  # things a slow Redis may be owed a hint about; the oldest go first

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Aside(Generic[Key, Value]):
    """`do` is called in one thread of this process, once for each key that is owed, with its latest value."""

    def __init__(self, name: str, do: Callable[[Key, Value], None]) -> None:
        self._name, self._do = name, do
        self._changed = threading.Condition()
        self._owed: OrderedDict[Key, Value] = OrderedDict()
        self._process = 0  # whose thread it is: a forked child has none of its parent's

    def put(self, key: Key, value: Value) -> None:
        """Never waits, never raises."""
        with self._changed:
            if self._process != os.getpid():
                self._process = os.getpid()
                threading.Thread(target=self._run, name=self._name, daemon=True).start()
            self._owed[key] = value
            self._owed.move_to_end(key)
            while len(self._owed) > OWED_MAX:
                self._owed.popitem(last=False)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._owed))
                key, value = self._owed.popitem(last=False)
            try:
                self._do(key, value)
            except Exception:  # the root of this thread's work
                logger.exception("%s: %s", self._name, key)
