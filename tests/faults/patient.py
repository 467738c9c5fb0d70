"""REST as a careful script uses it: what got no answer is asked again under the same Idempotency-Key."""

import time
import urllib.error
import uuid
from typing import Any

from tests.journeys.system import Answer, Api

PASSING = {429, 500, 502, 503, 504, 507}  # worth asking again for what is a change of rows
AWAY = (urllib.error.URLError, ConnectionError, OSError, TimeoutError)


class Patient:
    def __init__(self, api: Api) -> None:
        self._api = api

    def once(self, path: str, body: Any, within: float = 90.0) -> Any:
        """A POST that is done exactly once, however often it must be sent; what was answered."""
        key, give_up = str(uuid.uuid4()), time.monotonic() + within
        while True:
            answer = self._try("POST", path, body, key)
            if answer and answer.status < 300:
                return answer.json
            assert answer is None or answer.status in PASSING, (answer.status, answer.body)
            assert time.monotonic() < give_up, f"{path} was not taken: {answer and answer.body!r}"
            time.sleep(0.2)

    def get(self, path: str, within: float = 60.0) -> Any:
        give_up = time.monotonic() + within
        while True:
            answer = self._try("GET", path)
            if answer and answer.status == 200:
                return answer.json
            assert time.monotonic() < give_up, f"{path}: {answer and answer.body!r}"
            time.sleep(0.2)

    def execute(self, key: str, line: str, timeout_s: float = 20) -> Answer | None:
        """One attempt; None if nobody knows whether it was taken."""
        return self._try("POST", f"pods/{key}/execute/", {"shell": line, "timeout_s": timeout_s})

    def _try(self, method: str, path: str, body: Any = None, key: str = "") -> Answer | None:
        headers = {"Idempotency_Key": key} if key else {}
        try:
            return self._api(method, path, body, **headers)
        except AWAY:
            return None
