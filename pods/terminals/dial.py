"""Channels to Gateways: a unix socket on one host, else mTLS with a server certificate."""

from collections.abc import Callable
from threading import Lock
from typing import Any

import grpc
from grpc import aio

EOF: Any = aio.EOF  # type: ignore[attr-defined] # missing in the stubs

OPTIONS = [
    ("grpc.http2.bdp_probe", 0),  # a growing window only adds to what a slow browser is behind
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # in truth the time that one handshake may take
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
]

Credentials = Callable[[], grpc.ChannelCredentials]
"""Read anew for each channel, because certificates are renewed. May touch files."""


class Channels:
    """One asyncio channel per address, for one event loop."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._channels: dict[str, aio.Channel] = {}

    def to(self, address: str) -> aio.Channel:
        if address not in self._channels:
            self._channels[address] = (
                aio.insecure_channel(address, OPTIONS)
                if address.startswith("unix:")
                else aio.secure_channel(address, self._credentials(), OPTIONS)
            )
        return self._channels[address]

    async def drop(self, address: str) -> None:
        """The next call there dials anew, with the certificate of that time."""
        if channel := self._channels.pop(address, None):
            await channel.close(None)

    async def close(self) -> None:
        for address in tuple(self._channels):
            await self.drop(address)


class ThreadChannels:
    """The same for threads."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._channels: dict[str, grpc.Channel] = {}
        self._lock = Lock()

    def to(self, address: str) -> grpc.Channel:
        with self._lock:
            if address not in self._channels:
                self._channels[address] = (
                    grpc.insecure_channel(address, OPTIONS)
                    if address.startswith("unix:")
                    else grpc.secure_channel(address, self._credentials(), OPTIONS)
                )
            return self._channels[address]

    def drop(self, address: str) -> None:
        with self._lock:
            channel = self._channels.pop(address, None)
        if channel:
            channel.close()
