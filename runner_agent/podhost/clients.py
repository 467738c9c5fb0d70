"""Who talks to a Pod host: a unix socket, a key as the first frame, and no queue for anybody."""

import contextlib
import os
import select
import socket
import struct
from typing import Protocol

from runner_agent.podhost import wire

CLIENTS = 16  # a daemon and its successor, and strangers who are dropped for them
_UCRED = struct.Struct("3i")


class Server(Protocol):
    """What a Pod host does for its clients."""

    def hello(self) -> bytes: ...
    def frame(self, client: "Client", kind: int, payload: bytes) -> None: ...
    def gone(self, client: "Client") -> None: ...


class Client:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = bytearray()
        self.known = False  # has shown the key
        self.seen: int | None = None  # wants to hear once when there is more than this
        self.heard = True  # False: not read for now, because too much is to be typed

    def taken(self, writer: bytes, position: int, *, hidden: bool) -> None:
        self.send(wire.TAKEN, wire.written(writer, position, bytes((hidden,))))

    def send(self, kind: int, payload: bytes) -> None:
        """A client that does not read is cut off; it finds everything in the log when it comes back."""
        data = wire.frame(kind, payload)
        try:
            if self.sock.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) == len(data):
                return
        except OSError:
            pass
        self.cut()

    def cut(self) -> None:
        """Its next reading finds the end."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # gone already


def trusted(sock: socket.socket) -> bool:
    """The other side runs as this user, or as root."""
    size = _UCRED.size
    _, uid, _ = _UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return uid in (0, os.getuid())


def listen(path: str, kind: int) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, kind)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    before = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(before)
    listener.listen(CLIENTS)
    return listener


class Clients:
    def __init__(self, server: Server, poll: select.epoll, path: str, key: bytes) -> None:
        self._server, self._poll, self._path, self._key = server, poll, path, key
        self._by_fd: dict[int, Client] = {}
        self._listener: socket.socket | None = None
        self.listen()

    def listen(self) -> None:
        """Also again, should somebody have cleaned the sockets away."""
        if self._listener is not None:
            self._poll.unregister(self._listener.fileno())
            self._listener.close()
        self._listener = listen(self._path, socket.SOCK_STREAM)
        self._listener.setblocking(False)  # noqa: FBT003
        self._poll.register(self._listener.fileno(), select.EPOLLIN)

    def close(self) -> None:
        os.unlink(self._path)

    def ready(self, fd: int) -> None:
        if self._listener is not None and fd == self._listener.fileno():
            self._accept(self._listener)
        elif fd in self._by_fd:
            self._read(self._by_fd[fd])

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            return  # gone before it was met, or no descriptor left: it will try again
        if not trusted(sock) or not self._room_for_one():
            sock.close()
            return
        sock.setblocking(False)  # noqa: FBT003
        self._by_fd[sock.fileno()] = Client(sock)
        self._poll.register(sock.fileno(), select.EPOLLIN)

    def _room_for_one(self) -> bool:
        if len(self._by_fd) < CLIENTS:
            return True
        stranger = next((c for c in self._by_fd.values() if not c.known), None)
        if stranger is not None:
            self._drop(stranger)
        return stranger is not None

    def _read(self, client: Client) -> None:
        try:
            data = client.sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        client.buffer += data
        try:
            for kind, payload in wire.take_frames(client.buffer):
                self._frame(client, kind, payload)
        except (ValueError, struct.error, IndexError):
            data = b""  # not our language
        if not data:
            self._drop(client)

    def _frame(self, client: Client, kind: int, payload: bytes) -> None:
        if client.known:
            self._server.frame(client, kind, payload)
        elif kind == wire.KEY and payload[1:] == self._key:
            client.known = True
            client.send(wire.HELLO, self._server.hello())
        else:
            raise ValueError("not the key")

    def _drop(self, client: Client) -> None:
        del self._by_fd[client.sock.fileno()]
        if client.heard:
            self._poll.unregister(client.sock.fileno())
        client.sock.close()
        self._server.gone(client)

    def tell_end(self, end: int) -> None:
        """Say once that there is more to those who asked to hear."""
        for client in self._by_fd.values():
            if client.seen is not None and client.seen < end:
                client.seen = None
                client.send(wire.END, wire.OFFSET.pack(end))

    def tell(self, kind: int, payload: bytes) -> None:
        for client in self._by_fd.values():
            if client.known:
                client.send(kind, payload)

    def hush(self, client: Client) -> None:
        """Read no more from it until `hear_all`."""
        if client.heard and client.sock.fileno() in self._by_fd:
            client.heard = False
            self._poll.unregister(client.sock.fileno())

    def hear_all(self) -> None:
        for fd, client in self._by_fd.items():
            if not client.heard:
                client.heard = True
                self._poll.register(fd, select.EPOLLIN)
