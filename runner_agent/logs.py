"""How the Runner logs: one line an event on stderr, with the id of the request whose Command it does."""

import contextvars
import json
import logging
from contextvars import Context, ContextVar
from datetime import UTC, datetime

_trace: ContextVar[str] = ContextVar("trace", default="")


def tracing(trace: str) -> Context:
    """A context for a task: what it logs carries `trace`."""
    context = contextvars.copy_context()
    context.run(_trace.set, trace)
    return context


def configure(form: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if form == "json" else _Line())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class _Line(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        line = super().formatMessage(record)
        return f"{line} request_id={trace}" if (trace := _trace.get()) else line


class _Json(logging.Formatter):
    """Keys are named as the server's logs name them."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if trace := _trace.get():
            said["request_id"] = trace
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said)
