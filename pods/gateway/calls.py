"""gRPC's server calls, typed."""

from typing import Any, NoReturn

import grpc
from grpc import aio

Context = aio.ServicerContext[Any, Any]

EOF: Any = aio.EOF  # type: ignore[attr-defined] # missing in the stubs
"""What `context.read()` returns when the peer has said its last, or has gone."""


async def written(context: Context, message: Any) -> bool:
    """False: the peer has gone. Its own reading job learns that too, but a write may be first."""
    try:
        await context.write(message)
    except (aio.InternalError, aio.UsageError):
        return False
    return True


async def abort(context: Context, code: grpc.StatusCode, text: str) -> NoReturn:
    """The only way to end a call that the peer notices at once: cancelling its task is not."""
    await context.abort(code, text)
    raise AssertionError  # abort always raises
