"""The server, and what it was asked."""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fake_models import asked as reading
from tests.fake_models.asked import Asked
from tests.fake_models.protocols import PAUSE, Anthropic, Chat, Event, Gemini, Responses
from tests.fake_models.scenario import Reply, Scenario

_MODEL = {"id": "fake-model", "object": "model", "type": "model", "display_name": "Fake"}
_PROTOCOLS = (
    (re.compile(r"/messages$"), "anthropic", reading.of_anthropic, Anthropic),
    (re.compile(r"/responses$"), "responses", reading.of_responses, Responses),
    (re.compile(r"/chat/completions$"), "chat", reading.of_chat, Chat),
    (re.compile(r":(stream)?generateContent$", re.I), "gemini", reading.of_gemini, Gemini),
)
_COUNTS = re.compile(r"/messages/count_tokens$|:countTokens$")


@dataclass(frozen=True)
class Recorded:
    """One request for an answer, as it came, and what was answered."""

    number: int
    protocol: str
    path: str
    headers: dict[str, str] = field(repr=False)
    body: dict[str, Any] = field(repr=False)
    asked: Asked
    reply: Reply

    @property
    def key(self) -> str:
        """The API key it came with."""
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        in_query = parse_qs(urlsplit(self.path).query).get("key", [""])[0]
        return (
            self.headers.get("x-api-key")
            or self.headers.get("x-goog-api-key")
            or bearer
            or in_query
        )


class FakeModels:
    """Listens on 127.0.0.1 until closed. `scenario` may be replaced meanwhile."""

    def __init__(
        self,
        scenario: Scenario | Mapping[str, Any] | None = None,
        *,
        port: int = 0,
        log: Path | None = None,
    ) -> None:
        self.scenario = scenario if isinstance(scenario, Scenario) else Scenario(scenario)
        self._log = log
        self._recorded: list[Recorded] = []
        self._more = threading.Condition()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.models = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> "FakeModels":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def requests(self) -> list[Recorded]:
        with self._more:
            return list(self._recorded)

    def wait_for(self, happened: Callable[[Recorded], bool], within: float = 30) -> Recorded:
        """The first request of which this is true, also one of before."""
        with self._more:

            def found() -> Recorded | None:
                return next((each for each in self._recorded if happened(each)), None)

            request = self._more.wait_for(found, within)
        said = [each.asked.last[-300:] for each in self.requests]
        assert request, f"not asked within {within:.0f} s; asked were: {said}"
        return request

    def record(self, **request: Any) -> Recorded:
        with self._more:
            recorded = Recorded(number=len(self._recorded) + 1, **request)
            self._recorded.append(recorded)
            self._more.notify_all()
            if self._log:
                line = asdict(recorded) | {
                    "at": round(time.time(), 3),
                    "reply": asdict(recorded.reply),
                }
                with self._log.open("a") as log:
                    log.write(json.dumps(line) + "\n")
        return recorded


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a connection kept alive by an agent holds nobody up
    models: FakeModels


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Requests are recorded instead."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # an agent may leave in the middle of anything
            self.close_connection = True

    def do_HEAD(self) -> None:
        self._json({})

    def do_GET(self) -> None:
        if "/models" in self.path:
            listed = {"object": "list", "data": [_MODEL], "models": [], "has_more": False}
            self._json(listed)
        else:
            self._json({"error": {"message": f"The fake model has no {self.path}."}}, 404)

    def do_POST(self) -> None:
        data = self._read()
        path = urlsplit(self.path).path
        if _COUNTS.search(path):
            tokens = len(data) // 4 + 1
            self._json({"input_tokens": tokens, "totalTokens": tokens})
            return
        for match, name, read, protocol in _PROTOCOLS:
            if match.search(path):
                body = json.loads(data)
                asked = read(body)
                asked.size, asked.model = len(data), str(body.get("model", ""))
                self._answer(name, protocol, body, asked)
                return
        self._json({"error": {"message": f"The fake model has no {path}."}}, 404)

    def _answer(self, name: str, protocol: Any, body: dict[str, Any], asked: Asked) -> None:
        models = self.server.models
        headers = {key.lower(): value for key, value in self.headers.items()}
        came: dict[str, Any] = {
            "protocol": name,
            "path": self.path,
            "headers": headers,
            "body": body,
        }
        reply = models.scenario.reply(asked)
        recorded = models.record(**came, asked=asked, reply=reply)
        time.sleep(reply.delay_s)
        if models.scenario.key and recorded.key != models.scenario.key:
            self._json(protocol.error(401), 401)
        elif reply.error:
            after = {} if reply.retry_after_s is None else {"Retry-After": str(reply.retry_after_s)}
            self._json(protocol.error(reply.error), reply.error, **after)
        elif body.get("stream") or ":stream" in self.path:
            self._stream(protocol.events(body, reply), reply.chunk_delay_s)
        else:
            self._json(protocol.whole(body, reply))

    def _stream(self, events: Any, pause_s: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            if event is PAUSE:
                time.sleep(pause_s)
                continue
            assert isinstance(event, Event)
            data = bytes(event)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")

    def _read(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        data = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _json(self, body: dict[str, Any], status: int = 200, **headers: str) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
