"""A websocket client without a network: what a browser sends and gets, frame by frame."""

import asyncio
import json
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

PATIENCE_S = 20  # only a failing test waits so long


class Browser:
    """`shown` are the bytes it got, from `first` on. It acknowledges each frame unless `acks` is False."""

    def __init__(self, application: Any, key: str, headers: dict[str, str], **query: Any) -> None:
        self._application = application
        self._scope = {
            "type": "websocket",
            "path": f"/ws/pods/{key}/terminal/",
            "query_string": urlencode(query).encode(),
            "headers": [(n.lower().encode(), v.encode()) for n, v in headers.items()],
            "subprotocols": [],
        }
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=1000)
        self._changed = asyncio.Condition()
        self.acks = True
        self.first: int | None = None
        self.shown = bytearray()
        self.texts: list[dict[str, Any]] = []
        self.closed: int | None = None

    async def __aenter__(self) -> "Browser":
        self._incoming.put_nowait({"type": "websocket.connect"})
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        self._task = self._group.create_task(self._run())
        return self

    async def __aexit__(self, *exc: Any) -> None:
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self._group.__aexit__(*exc)

    async def _run(self) -> None:
        await self._application(self._scope, self._incoming.get, self._send)

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._changed:
            if message["type"] == "websocket.close":
                self.closed = message["code"]
            elif data := message.get("bytes"):
                self._show(data)
            elif text := message.get("text"):
                self._read(json.loads(text))
            self._changed.notify_all()

    def _show(self, frame: bytes) -> None:
        (offset,) = struct.unpack_from(">Q", frame)
        if self.first is None:
            self.first = offset
        assert offset == self.end, f"{offset} came after {self.end}"
        self.shown += frame[8:]
        if self.acks:
            self.ack()

    def _read(self, text: dict[str, Any]) -> None:
        self.texts.append(text)
        if text["type"] in {"screen", "gap"}:
            self.first = text.get("to", text.get("offset"))
            self.shown.clear()

    @property
    def end(self) -> int:
        return (self.first or 0) + len(self.shown)

    # ---- what it does

    def ack(self) -> None:
        self.say(ack=self.end)

    def say(self, **frame: Any) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})

    def type(self, data: bytes, position: int | None = None) -> None:
        number = b"" if position is None else struct.pack(">Q", position)
        self._incoming.put_nowait({"type": "websocket.receive", "bytes": number + data})

    def send(self, frame: str | bytes) -> None:
        kind = "text" if isinstance(frame, str) else "bytes"
        self._incoming.put_nowait({"type": "websocket.receive", kind: frame})

    # ---- what it waits for

    async def until(self, predicate: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(predicate)

    async def until_shown(self, data: bytes) -> None:
        await self.until(lambda: bytes(self.shown) == data)

    async def now(self, kind: str, **fields: Any) -> None:
        """The latest text frame of that kind has these fields; waited for."""

        def is_so() -> bool:
            texts = [text for text in self.texts if text["type"] == kind]
            return bool(texts) and fields.items() <= texts[-1].items()

        await self.until(is_so)

    async def text(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first text frame of that kind with these fields, waited for."""

        def found() -> dict[str, Any] | None:
            for text in self.texts:
                if text["type"] == kind and fields.items() <= text.items():
                    return text
            return None

        try:
            await self.until(found)
        except TimeoutError:
            raise AssertionError(f"no {kind} {fields} among {self.texts}") from None
        text = found()
        assert text is not None
        return text
