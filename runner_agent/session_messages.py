"""What is said about the Session itself, in plain types. Pure: no protobuf, no asyncio."""

from dataclasses import dataclass
from typing import Any

from runner_agent.agent_messages import AgentStatus, AgentUsage, PromptStep
from runner_agent.messages import (
    Answer,
    CommandResult,
    InputBurst,
    InstalledAgent,
    KeptScreen,
    PodReport,
    Progress,
)


@dataclass(frozen=True, slots=True)
class Hello:
    """`isolation` is the strongest level this machine gives, "jail" or "none"."""

    version: str
    boot_id: str
    hostname: str
    os: str
    labels: dict[str, str]
    capacity: int
    agents: tuple[InstalledAgent, ...]
    isolation: str
    pods: tuple[PodReport, ...]
    mcp_port: int = 0
    unfinished_commands: tuple[str, ...] = ()
    platform: str = ""  # of the releases it can run
    python: str = ""


@dataclass(frozen=True, slots=True)
class Welcome:
    epoch: int
    protocol: int
    server_time_ms: int
    runner_name: str
    tools: bytes = b"[]"  # JSON, as MCP lists them
    release_key: bytes = b""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`sent_at_ms` by the sender's clock; `echo_ms` is the other side's last one."""

    sent_at_ms: int
    echo_ms: int = 0
    running_pods: int = 0
    unsent_bytes: int = 0  # of terminals that are looked at: not acknowledged by who looks
    trusted: str = ""  # of the server: whom it trusts now, as `Identity.trusted` has it


@dataclass(frozen=True, slots=True)
class Goodbye:
    """`reason` is the protocol's word in lower case, such as "draining"."""

    reason: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class CommandAck:
    id: str


@dataclass(frozen=True, slots=True)
class UpdateStep:
    """How far the update of Command `command_id` is; `text` says more of it."""

    command_id: str
    step: str
    at_ms: int
    text: str = ""

    def told(self) -> dict[str, Any]:
        return {"step": self.step, "at_ms": self.at_ms, "text": self.text}


@dataclass(frozen=True, slots=True)
class AgentsFound:
    """What the hello said of agents has changed."""

    agents: tuple[InstalledAgent, ...]


@dataclass(frozen=True, slots=True)
class ReportReceived:
    pod: str


@dataclass(frozen=True, slots=True)
class ResultsReceived:
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InputRecorded:
    """Bursts by (Pod, writer, position)."""

    bursts: tuple[tuple[str, str, int], ...]


Outgoing = (
    Hello
    | Heartbeat
    | CommandAck
    | CommandResult
    | Progress
    | PodReport
    | Answer
    | KeptScreen
    | InputBurst
    | AgentStatus
    | AgentUsage
    | PromptStep
    | UpdateStep
    | AgentsFound
    | Goodbye
)
