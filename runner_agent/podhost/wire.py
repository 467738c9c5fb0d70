"""What the daemon and a Pod host say to each other: little-endian frames `u32 length, u8 kind, payload`."""

import struct

VERSION = 1
FRAME_MAX = 1 << 20  # bytes in one payload; typing is cut far below
HEAD = struct.Struct("<IB")

# To the host.
KEY = ord("Q")  # u8 version, then the key; the first frame
INPUT = ord("I")  # u8 length of the writer, writer, u64 position, bytes
REPLY = ord(
    "R"
)  # u64 offset, bytes: answers queries in the output before the offset, typed at most once
RESIZE = ord("W")  # u16 cols, u16 rows
SIGNAL = ord("K")  # u8 signal, u8 everyone
LIMIT = ord("L")  # u64 offset the PTY is not read beyond; 0: none
SEEN = ord("P")  # u64 offset the daemon has dealt with; asks for one END when there is more
ASK_ECHO = ord("E")
TERMINATE = ord("T")  # f64 seconds of grace

# From the host.
HELLO = ord("H")  # u8 version, u64 end, u64 seen, u32 pid, u16 cols, u16 rows
END = ord("N")  # u64 end
TAKEN = ord("A")  # one for each INPUT, in order: u8 length, writer, u64 position, u8 hidden
RESIZED = ord("Z")  # u64 offset, u16 cols, u16 rows
ECHO = ord("G")  # u8
EXITED = ord("X")  # i32 code, u64 end, u8 asked

OFFSET = struct.Struct("<Q")
SIZE = struct.Struct("<HH")
SIGNAL_BODY = struct.Struct("<BB")
GRACE = struct.Struct("<d")
HELLO_BODY = struct.Struct("<BQQIHH")
RESIZED_BODY = struct.Struct("<QHH")
EXITED_BODY = struct.Struct("<iQB")


def frame(kind: int, payload: bytes = b"") -> bytes:
    return HEAD.pack(len(payload), kind) + payload


def take_frames(buffer: bytearray) -> list[tuple[int, bytes]]:
    """Remove the whole frames from the buffer; ValueError if one is longer than FRAME_MAX."""
    taken, start = [], 0
    while len(buffer) - start >= HEAD.size:
        length, kind = HEAD.unpack_from(buffer, start)
        if length > FRAME_MAX:
            raise ValueError(f"a frame of {length} bytes")
        stop = start + HEAD.size + length
        if stop > len(buffer):
            break
        taken.append((kind, bytes(buffer[start + HEAD.size : stop])))
        start = stop
    del buffer[:start]
    return taken


def written(writer: bytes, position: int, data: bytes = b"") -> bytes:
    """The payload of INPUT and TAKEN."""
    return bytes((len(writer),)) + writer + OFFSET.pack(position) + data


def read_written(payload: bytes) -> tuple[bytes, int, bytes]:
    stop = 1 + payload[0]
    (position,) = OFFSET.unpack_from(payload, stop)
    return payload[1:stop], position, payload[stop + OFFSET.size :]
