"""`mesh hook EVENT`: an agent's hook, passed on to the Runner. Each tool call of an agent waits for it, so it loads
next to nothing; it prints nothing and always ends with 0, since what a hook says or fails at, agents take to heart.
"""

import os
import time

SAID_MAX = 200 * 1024  # bytes; the door takes 256 KiB
READ_MAX = 64 << 20  # of what is drained, so that the agent can write all of it
TEXT_MAX = 2000  # characters of each text, in what is larger than that
STDIN_S = 2.0  # an agent that gives no end of file
ANSWER_S = 3.0
EVENT_MAX = 80

_EVENT = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


def main(argv: list[str]) -> int:
    """[--wait-tools SECONDS] EVENT [JSON]"""
    fired_ms = time.time_ns() // 1_000_000
    wait_s = 0.0
    if argv[:1] == ["--wait-tools"]:
        wait_s, argv = _seconds(argv[1:2]), argv[2:]
    event = argv[0] if argv else ""
    if not event or len(event) > EVENT_MAX or set(event) - _EVENT:
        return 0
    said = argv[1].encode(errors="replace") if len(argv) > 1 else _stdin()
    _pass_on(event, said if len(said) <= SAID_MAX else _shortened(said), fired_ms, wait_s)
    return 0


def _seconds(words: list[str]) -> float:
    try:
        return min(max(float(words[0]), 0.0), 120.0)
    except (ValueError, IndexError):
        return 0.0


def _stdin() -> bytes:
    """Never from a terminal: that is the agent's own."""
    import select

    parts, size = [], 0
    try:
        if os.isatty(0):
            return b""
        while size < READ_MAX and select.select([0], [], [], STDIN_S)[0]:
            part = os.read(0, 1 << 16)
            if not part:
                break
            parts.append(part)
            size += len(part)
    except (OSError, ValueError):  # it is closed
        pass
    return b"".join(parts)


def _shortened(said: bytes) -> bytes:
    import json

    try:
        made = json.dumps(_short(json.loads(said))).encode()
    except (ValueError, RecursionError):
        return b""
    return made if len(made) <= SAID_MAX else b""


def _short(value: object) -> object:
    match value:
        case str():
            return value[:TEXT_MAX]
        case list():
            return [_short(one) for one in value[:50]]
        case dict():
            return {name: _short(one) for name, one in list(value.items())[:50]}
    return value


def _pass_on(event: str, said: bytes, fired_ms: int, wait_s: float) -> None:
    try:
        token = _token()
        _post(event, said, fired_ms, wait_s, token)
    except ConnectionRefusedError:  # the daemon is being restarted: it looks here when it is back
        _leave(event, said, fired_ms)
    except (OSError, ValueError, KeyError):
        pass


def _token() -> str:
    with open(os.environ["MESH_TOKEN_FILE"], "rb") as file:  # noqa: PTH123 - pathlib takes 10 ms
        return file.read(200).decode().strip()


def _post(event: str, said: bytes, fired_ms: int, wait_s: float, token: str) -> None:
    import _socket  # socket itself takes 15 ms

    host, _, port = os.environ["MESH_MCP_URL"].partition("//")[2].partition("/")[0].partition(":")
    head = (
        f"POST /hooks/{event} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"X-Fired-Ms: {fired_ms}\r\nX-Wait-Tools: {wait_s}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(said)}\r\n\r\n"
    )
    door = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        door.settimeout(ANSWER_S)
        door.connect((host, int(port)))
        whole = head.encode() + said
        sent = 0
        while sent < len(whole):
            sent += door.send(whole[sent:])
        door.settimeout(ANSWER_S + wait_s)
        door.recv(64)
    finally:
        door.close()


def _leave(event: str, said: bytes, fired_ms: int) -> None:
    import json

    try:
        data = json.loads(said) if said else {}
    except (ValueError, RecursionError):
        data = {}
    folder = os.path.dirname(os.environ["MESH_TOKEN_FILE"]) + "/hooks"  # noqa: PTH120
    draft = f"{folder}/{fired_ms:015d}-{os.getpid()}"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
        with open(f"{draft}.new", "w") as file:  # noqa: PTH123
            json.dump({"event": event, "at_ms": fired_ms, "data": data}, file)
        os.rename(f"{draft}.new", f"{draft}.json")  # noqa: PTH104
    except OSError:
        pass
