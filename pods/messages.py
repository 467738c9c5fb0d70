"""What a Runner says and is told, in plain types. Pure: `gateway/wire.py` makes them from protobuf and back."""

from dataclasses import dataclass, field
from typing import Any, Literal

PROTOCOL_LOWEST, PROTOCOL_HIGHEST = 1, 2

# ---- A Runner's claims. Text is clean (no control characters), numbers fit their columns.


@dataclass(frozen=True, slots=True)
class PodReport:
    """`exit_code` negative: ended by that signal. `asked`: ended because it was told to."""

    pod: str
    state: Literal["running", "ended", "lost"]
    exit_code: int = 0
    end_offset: int = 0
    reason: str = ""
    asked: bool = False
    screen: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RunnerHello:
    """`pods` is the whole inventory: a Pod it does not name is not on that Runner.

    `unfinished_commands` are all ids in the Runner's ledger whose result the server has not confirmed.
    """

    speaks: tuple[int, int]
    version: str = ""
    boot_id: str = ""
    hostname: str = ""
    os: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    capacity: int = 0
    agents: tuple[dict[str, str], ...] = ()  # {slug, version, path, problem}
    isolation: str = "none"
    pods: tuple[PodReport, ...] = ()
    mcp_port: int = 0
    unfinished_commands: frozenset[str] = frozenset()
    platform: str = ""
    python: str = ""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`echo_ms` 0 asks for an answer at once; otherwise it is the answer to the heartbeat sent then."""

    sent_at_ms: int
    echo_ms: int = 0
    unsent_bytes: int = 0  # terminal bytes that nobody has acknowledged; only a Runner says it
    trusted: str = ""  # the authorities of now (services/authority.py); only the server says it


@dataclass(frozen=True, slots=True)
class CommandAck:
    id: str


@dataclass(frozen=True, slots=True)
class CommandResult:
    id: str
    state: Literal["done", "failed", "expired", "unknown"]
    result: dict[str, Any] = field(default_factory=dict)
    error_code: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class PodProgress:
    pod: str
    step: Literal["workspace", "agent", "setup", "ready"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class KeptScreen:
    pod: str
    screen: dict[str, Any]


@dataclass(frozen=True, slots=True)
class InputBurst:
    """What one writer typed within a second; `data` is empty if the Terminal hid it."""

    pod: str
    writer: str
    position: int
    offset: int
    at_ms: int
    length: int
    data: bytes = b""
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """What the agent in a Pod is doing. `question` is {id, text, choices, options}; None: nothing that can be answered."""

    pod: str
    state: Literal["working", "waiting", "idle", "unknown"] = "unknown"
    source: str = ""  # hook, title, osc or screen
    text: str = ""
    evidence: str = ""
    since_ms: int = 0
    question: dict[str, Any] | None = None
    session: str = ""


@dataclass(frozen=True, slots=True)
class AgentUsage:
    """Totals: `input output cached model`, perhaps `cost_usd` and `context`."""

    pod: str
    usage: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromptStep:
    command_id: str
    step: Literal["typed", "submitted", "started"]
    evidence: str = ""
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class UpdateStep:
    command_id: str
    step: str
    text: str = ""
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class AgentsFound:
    """As in a hello."""

    agents: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is JSON, or raw bytes for "output". An empty `error_code`: it is an answer."""

    question_id: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    error_code: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Stopping:
    """The Runner's goodbye: it ends by itself, its Pods go on."""

    text: str = ""


AboutAgent = AgentStatus | AgentUsage | PromptStep
AboutCommand = CommandAck | CommandResult | UpdateStep
Report = AboutCommand | PodProgress | PodReport | KeptScreen | InputBurst | AboutAgent | AgentsFound
"""Claims that change rows: written in order, in batches, under the epoch of their Session."""

FromRunner = RunnerHello | Heartbeat | Report | Answer | Stopping

# ---- What a Runner is told


@dataclass(frozen=True, slots=True)
class Welcome:
    epoch: int
    protocol: int
    server_time_ms: int
    runner_name: str
    tools: bytes = b"[]"  # JSON, as MCP lists them
    release_key: bytes = b""


@dataclass(frozen=True, slots=True)
class SendCommand:
    """`expires_in_ms` counts from receipt; 0: never."""

    id: str
    seq: int
    kind: str
    pod: str
    payload: dict[str, Any]
    expires_in_ms: int = 0
    secrets: dict[str, str] = field(default_factory=dict, repr=False)  # of the payload's references
    trace: str = ""  # the request it came from
    queued_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """`kind` is "screen", "output", "workspace", "log" or "diff"."""

    id: str
    kind: str
    pod: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReportReceived:
    pod: str


@dataclass(frozen=True, slots=True)
class ResultsReceived:
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InputRecorded:
    bursts: tuple[InputBurst, ...]


PartingReason = Literal[
    "draining", "superseded", "revoked", "disabled", "protocol", "silent", "expired"
]


@dataclass(frozen=True, slots=True)
class Goodbye:
    reason: PartingReason
    text: str


ToRunner = (
    Welcome
    | SendCommand
    | Question
    | Heartbeat
    | ReportReceived
    | ResultsReceived
    | InputRecorded
    | Goodbye
)
