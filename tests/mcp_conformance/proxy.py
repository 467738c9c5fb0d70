"""Adds a token to each request: the official suite knows no way to send one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from pods.together import until_one_ends

END_OF_HEAD = b"\r\n\r\n"


@asynccontextmanager
async def with_token(url: str, token: str) -> AsyncIterator[str]:
    """The URL under which the same door needs no token. One request a connection."""
    there = urlsplit(url)
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(END_OF_HEAD)
            up_reader, up_writer = await asyncio.open_connection(there.hostname, there.port)
            lines = head.removesuffix(END_OF_HEAD).split(b"\r\n")
            kept = [line for line in lines if not line.lower().startswith(b"connection:")]
            ours = [b"Authorization: Bearer " + token.encode(), b"Connection: close"]
            up_writer.write(b"\r\n".join([*kept, *ours]) + END_OF_HEAD)
            await until_one_ends(_pass_on(reader, up_writer), _pass_on(up_reader, writer))
            up_writer.close()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with asyncio.TaskGroup() as group:

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = group.create_task(serve(reader, writer))
            serving.add(task)
            task.add_done_callback(serving.discard)

        async with await asyncio.start_server(begin, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            yield f"http://127.0.0.1:{port}{there.path}"
        for task in serving:
            task.cancel()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
