"""What comes in and goes out, in plain types. Pure: no protobuf, no asyncio."""

from dataclasses import dataclass, field
from typing import Any

# ---- Commands in, results out


@dataclass(frozen=True, slots=True)
class TerminatePod:
    pod: str
    grace_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Execute:
    """`argv` is run in the Pod's jail and Workspace; a shell line arrives as ("sh", "-c", line)."""

    pod: str
    argv: tuple[str, ...]
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """`text` is typed into the agent: `when` "idle", once it is, or "now". `id` is the Command's. `may_join`: where it
    cannot be pasted its lines become one."""

    pod: str
    id: str
    text: str
    when: str = "idle"
    may_join: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """`expires_in_s` counts from receipt; None: never. `payload` is kept as it came, for the ledger; `secrets`, what
    its references stand for, are kept nowhere."""

    id: str
    seq: int
    kind: str
    pod: str
    payload: dict[str, Any]
    expires_in_s: float | None = None
    secrets: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    trace: str = field(default="", compare=False)  # the request it came from, for log lines


@dataclass(frozen=True, slots=True)
class CommandResult:
    """`state` is "done", "failed", "expired" or "unknown"."""

    id: str
    state: str
    result: dict[str, Any] = field(default_factory=dict)
    error_code: str = ""
    error: str = ""


class CommandError(Exception):
    """A Command that cannot be done: `code` is short and stable, `message` names cause and cure, `told` what was seen."""

    def __init__(self, code: str, message: str, told: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.told = code, message, told or {}


# ---- News about Pods, out


@dataclass(frozen=True, slots=True)
class Progress:
    pod: str
    step: str  # "workspace", "agent" or "ready"
    text: str = ""


@dataclass(frozen=True, slots=True)
class PodReport:
    """`state` is "running", "ended" or "lost". A negative `exit_code`: ended by that signal."""

    pod: str
    state: str
    exit_code: int = 0
    end_offset: int = 0
    reason: str = ""
    asked: bool = False
    screen: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class KeptScreen:
    pod: str
    screen: dict[str, Any]


@dataclass(frozen=True, slots=True)
class InputBurst:
    """What one writer typed within a second. `offset`: of the Terminal then; `data` is empty if it was hidden."""

    pod: str
    writer: str
    position: int
    offset: int
    at_ms: int
    length: int
    data: bytes
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class InstalledAgent:
    """`problem` says why it cannot be used; empty when it can."""

    slug: str
    version: str = ""
    path: str = ""
    problem: str = ""


# ---- Questions in, answers out


@dataclass(frozen=True, slots=True)
class Question:
    """`kind` is "screen", "output", "workspace", "log" or "diff"."""

    id: str
    kind: str
    pod: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    question_id: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    error_code: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What an agent is told that called a tool: `text` for the model, `data` for programs."""

    text: str
    data: dict[str, Any] = field(default_factory=dict)
    is_error: bool = False
    error_code: str = ""


# ---- Terminals in (what a Gateway asks) and out (what is shown). `feed` is numbered by the Gateway.


@dataclass(frozen=True, slots=True)
class OpenFeed:
    """`offset` None: start with a Screen. `live`: counts for the read limit of a flood."""

    feed: int
    pod: str
    offset: int | None
    live: bool = False


@dataclass(frozen=True, slots=True)
class FeedAck:
    feed: int
    offset: int


@dataclass(frozen=True, slots=True)
class CloseFeed:
    feed: int


@dataclass(frozen=True, slots=True)
class Input:
    """`writer` empty: at most once; else bytes below what the Pod host took of that writer are dropped."""

    pod: str
    data: bytes
    writer: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class Resize:
    pod: str
    cols: int
    rows: int


TerminalRequest = OpenFeed | FeedAck | CloseFeed | Input | Resize


@dataclass(frozen=True, slots=True)
class Attached:
    feed: int
    start: int
    end: int
    cols: int
    rows: int


@dataclass(frozen=True, slots=True)
class Output:
    feed: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    feed: int
    start: int
    to: int


@dataclass(frozen=True, slots=True)
class Screen:
    feed: int
    offset: int
    cols: int
    rows: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Size:
    feed: int
    offset: int
    cols: int
    rows: int


@dataclass(frozen=True, slots=True)
class End:
    feed: int
    offset: int
    exit_code: int


@dataclass(frozen=True, slots=True)
class InputTaken:
    pod: str
    writer: str
    position: int


@dataclass(frozen=True, slots=True)
class InputRefused:
    """This Input was not and will not be typed: "unknown", "starting", "ended" or "busy"."""

    pod: str
    writer: str
    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class FeedRefused:
    feed: int
    reason: str  # "unknown" or "starting"


TerminalEvent = (
    Attached | Output | Gap | Screen | Size | End | InputTaken | InputRefused | FeedRefused
)
