from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReleaseRequest(_message.Message):
    __slots__ = ("sha256", "offset")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    offset: int
    def __init__(self, sha256: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ReleaseChunk(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class UpdateRequest(_message.Message):
    __slots__ = ("version", "mode", "wait_s", "after")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    WAIT_S_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    version: str
    mode: str
    wait_s: int
    after: str
    def __init__(self, version: _Optional[str] = ..., mode: _Optional[str] = ..., wait_s: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class UpdateReply(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class Received(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ToolCall(_message.Message):
    __slots__ = ("pod_token", "name", "arguments_json")
    POD_TOKEN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_JSON_FIELD_NUMBER: _ClassVar[int]
    pod_token: str
    name: str
    arguments_json: bytes
    def __init__(self, pod_token: _Optional[str] = ..., name: _Optional[str] = ..., arguments_json: _Optional[bytes] = ...) -> None: ...

class ToolAnswer(_message.Message):
    __slots__ = ("text", "data_json", "is_error", "error_code")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    DATA_JSON_FIELD_NUMBER: _ClassVar[int]
    IS_ERROR_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    text: str
    data_json: bytes
    is_error: bool
    error_code: str
    def __init__(self, text: _Optional[str] = ..., data_json: _Optional[bytes] = ..., is_error: _Optional[bool] = ..., error_code: _Optional[str] = ...) -> None: ...

class RenewRequest(_message.Message):
    __slots__ = ("csr_pem",)
    CSR_PEM_FIELD_NUMBER: _ClassVar[int]
    csr_pem: bytes
    def __init__(self, csr_pem: _Optional[bytes] = ...) -> None: ...

class RenewReply(_message.Message):
    __slots__ = ("certificate_pem", "ca_pem", "gateways", "release_key")
    CERTIFICATE_PEM_FIELD_NUMBER: _ClassVar[int]
    CA_PEM_FIELD_NUMBER: _ClassVar[int]
    GATEWAYS_FIELD_NUMBER: _ClassVar[int]
    RELEASE_KEY_FIELD_NUMBER: _ClassVar[int]
    certificate_pem: bytes
    ca_pem: bytes
    gateways: _containers.RepeatedScalarFieldContainer[str]
    release_key: bytes
    def __init__(self, certificate_pem: _Optional[bytes] = ..., ca_pem: _Optional[bytes] = ..., gateways: _Optional[_Iterable[str]] = ..., release_key: _Optional[bytes] = ...) -> None: ...

class FromRunner(_message.Message):
    __slots__ = ("hello", "heartbeat", "command_ack", "command_result", "pod_progress", "pod_report", "answer", "kept_screen", "goodbye", "input_burst", "agent_status", "agent_usage", "prompt_step", "update_step", "agents_found")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    COMMAND_ACK_FIELD_NUMBER: _ClassVar[int]
    COMMAND_RESULT_FIELD_NUMBER: _ClassVar[int]
    POD_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    POD_REPORT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    KEPT_SCREEN_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    INPUT_BURST_FIELD_NUMBER: _ClassVar[int]
    AGENT_STATUS_FIELD_NUMBER: _ClassVar[int]
    AGENT_USAGE_FIELD_NUMBER: _ClassVar[int]
    PROMPT_STEP_FIELD_NUMBER: _ClassVar[int]
    UPDATE_STEP_FIELD_NUMBER: _ClassVar[int]
    AGENTS_FOUND_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    heartbeat: Heartbeat
    command_ack: CommandAck
    command_result: CommandResult
    pod_progress: PodProgress
    pod_report: PodReport
    answer: Answer
    kept_screen: KeptScreen
    goodbye: Goodbye
    input_burst: InputBurst
    agent_status: AgentStatus
    agent_usage: AgentUsage
    prompt_step: PromptStep
    update_step: UpdateStep
    agents_found: AgentsFound
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., command_ack: _Optional[_Union[CommandAck, _Mapping]] = ..., command_result: _Optional[_Union[CommandResult, _Mapping]] = ..., pod_progress: _Optional[_Union[PodProgress, _Mapping]] = ..., pod_report: _Optional[_Union[PodReport, _Mapping]] = ..., answer: _Optional[_Union[Answer, _Mapping]] = ..., kept_screen: _Optional[_Union[KeptScreen, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ..., input_burst: _Optional[_Union[InputBurst, _Mapping]] = ..., agent_status: _Optional[_Union[AgentStatus, _Mapping]] = ..., agent_usage: _Optional[_Union[AgentUsage, _Mapping]] = ..., prompt_step: _Optional[_Union[PromptStep, _Mapping]] = ..., update_step: _Optional[_Union[UpdateStep, _Mapping]] = ..., agents_found: _Optional[_Union[AgentsFound, _Mapping]] = ...) -> None: ...

class AgentStatus(_message.Message):
    __slots__ = ("pod", "state", "source", "text", "evidence", "since_ms", "question_json", "session")
    POD_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    QUESTION_JSON_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    pod: str
    state: str
    source: str
    text: str
    evidence: str
    since_ms: int
    question_json: bytes
    session: str
    def __init__(self, pod: _Optional[str] = ..., state: _Optional[str] = ..., source: _Optional[str] = ..., text: _Optional[str] = ..., evidence: _Optional[str] = ..., since_ms: _Optional[int] = ..., question_json: _Optional[bytes] = ..., session: _Optional[str] = ...) -> None: ...

class AgentUsage(_message.Message):
    __slots__ = ("pod", "usage_json")
    POD_FIELD_NUMBER: _ClassVar[int]
    USAGE_JSON_FIELD_NUMBER: _ClassVar[int]
    pod: str
    usage_json: bytes
    def __init__(self, pod: _Optional[str] = ..., usage_json: _Optional[bytes] = ...) -> None: ...

class AgentsFound(_message.Message):
    __slots__ = ("agents",)
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    agents: _containers.RepeatedCompositeFieldContainer[InstalledAgent]
    def __init__(self, agents: _Optional[_Iterable[_Union[InstalledAgent, _Mapping]]] = ...) -> None: ...

class PromptStep(_message.Message):
    __slots__ = ("command_id", "step", "evidence", "at_ms")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    step: str
    evidence: str
    at_ms: int
    def __init__(self, command_id: _Optional[str] = ..., step: _Optional[str] = ..., evidence: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class UpdateStep(_message.Message):
    __slots__ = ("command_id", "step", "text", "at_ms")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    step: str
    text: str
    at_ms: int
    def __init__(self, command_id: _Optional[str] = ..., step: _Optional[str] = ..., text: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class InputBurst(_message.Message):
    __slots__ = ("pod", "writer", "position", "offset", "at_ms", "length", "data", "hidden")
    POD_FIELD_NUMBER: _ClassVar[int]
    WRITER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    pod: str
    writer: str
    position: int
    offset: int
    at_ms: int
    length: int
    data: bytes
    hidden: bool
    def __init__(self, pod: _Optional[str] = ..., writer: _Optional[str] = ..., position: _Optional[int] = ..., offset: _Optional[int] = ..., at_ms: _Optional[int] = ..., length: _Optional[int] = ..., data: _Optional[bytes] = ..., hidden: _Optional[bool] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("speaks_lowest", "speaks_highest", "version", "boot_id", "hostname", "os", "labels", "capacity", "agents", "isolation", "pods", "mcp_port", "unfinished_commands", "platform", "python")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SPEAKS_LOWEST_FIELD_NUMBER: _ClassVar[int]
    SPEAKS_HIGHEST_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    OS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    ISOLATION_FIELD_NUMBER: _ClassVar[int]
    PODS_FIELD_NUMBER: _ClassVar[int]
    MCP_PORT_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_COMMANDS_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    PYTHON_FIELD_NUMBER: _ClassVar[int]
    speaks_lowest: int
    speaks_highest: int
    version: str
    boot_id: str
    hostname: str
    os: str
    labels: _containers.ScalarMap[str, str]
    capacity: int
    agents: _containers.RepeatedCompositeFieldContainer[InstalledAgent]
    isolation: str
    pods: _containers.RepeatedCompositeFieldContainer[PodReport]
    mcp_port: int
    unfinished_commands: _containers.RepeatedScalarFieldContainer[str]
    platform: str
    python: str
    def __init__(self, speaks_lowest: _Optional[int] = ..., speaks_highest: _Optional[int] = ..., version: _Optional[str] = ..., boot_id: _Optional[str] = ..., hostname: _Optional[str] = ..., os: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., capacity: _Optional[int] = ..., agents: _Optional[_Iterable[_Union[InstalledAgent, _Mapping]]] = ..., isolation: _Optional[str] = ..., pods: _Optional[_Iterable[_Union[PodReport, _Mapping]]] = ..., mcp_port: _Optional[int] = ..., unfinished_commands: _Optional[_Iterable[str]] = ..., platform: _Optional[str] = ..., python: _Optional[str] = ...) -> None: ...

class InstalledAgent(_message.Message):
    __slots__ = ("slug", "version", "path", "problem")
    SLUG_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    slug: str
    version: str
    path: str
    problem: str
    def __init__(self, slug: _Optional[str] = ..., version: _Optional[str] = ..., path: _Optional[str] = ..., problem: _Optional[str] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("sent_at_ms", "echo_ms", "running_pods", "unsent_bytes", "trusted")
    SENT_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ECHO_MS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_PODS_FIELD_NUMBER: _ClassVar[int]
    UNSENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    TRUSTED_FIELD_NUMBER: _ClassVar[int]
    sent_at_ms: int
    echo_ms: int
    running_pods: int
    unsent_bytes: int
    trusted: str
    def __init__(self, sent_at_ms: _Optional[int] = ..., echo_ms: _Optional[int] = ..., running_pods: _Optional[int] = ..., unsent_bytes: _Optional[int] = ..., trusted: _Optional[str] = ...) -> None: ...

class CommandAck(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class CommandResult(_message.Message):
    __slots__ = ("id", "state", "result_json", "error_code", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RESULT_JSON_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: str
    result_json: bytes
    error_code: str
    error: str
    def __init__(self, id: _Optional[str] = ..., state: _Optional[str] = ..., result_json: _Optional[bytes] = ..., error_code: _Optional[str] = ..., error: _Optional[str] = ...) -> None: ...

class PodProgress(_message.Message):
    __slots__ = ("pod", "step", "text")
    POD_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    pod: str
    step: str
    text: str
    def __init__(self, pod: _Optional[str] = ..., step: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class PodReport(_message.Message):
    __slots__ = ("pod", "state", "exit_code", "end_offset", "reason", "asked", "screen_json")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[PodReport.State]
        RUNNING: _ClassVar[PodReport.State]
        ENDED: _ClassVar[PodReport.State]
        LOST: _ClassVar[PodReport.State]
    STATE_UNSPECIFIED: PodReport.State
    RUNNING: PodReport.State
    ENDED: PodReport.State
    LOST: PodReport.State
    POD_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    END_OFFSET_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ASKED_FIELD_NUMBER: _ClassVar[int]
    SCREEN_JSON_FIELD_NUMBER: _ClassVar[int]
    pod: str
    state: PodReport.State
    exit_code: int
    end_offset: int
    reason: str
    asked: bool
    screen_json: bytes
    def __init__(self, pod: _Optional[str] = ..., state: _Optional[_Union[PodReport.State, str]] = ..., exit_code: _Optional[int] = ..., end_offset: _Optional[int] = ..., reason: _Optional[str] = ..., asked: _Optional[bool] = ..., screen_json: _Optional[bytes] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("question_id", "body", "headers", "error_code", "error")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    QUESTION_ID_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    question_id: str
    body: bytes
    headers: _containers.ScalarMap[str, str]
    error_code: str
    error: str
    def __init__(self, question_id: _Optional[str] = ..., body: _Optional[bytes] = ..., headers: _Optional[_Mapping[str, str]] = ..., error_code: _Optional[str] = ..., error: _Optional[str] = ...) -> None: ...

class KeptScreen(_message.Message):
    __slots__ = ("pod", "screen_json")
    POD_FIELD_NUMBER: _ClassVar[int]
    SCREEN_JSON_FIELD_NUMBER: _ClassVar[int]
    pod: str
    screen_json: bytes
    def __init__(self, pod: _Optional[str] = ..., screen_json: _Optional[bytes] = ...) -> None: ...

class ToRunner(_message.Message):
    __slots__ = ("welcome", "command", "question", "heartbeat", "goodbye", "report_received", "results_received", "input_recorded")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    REPORT_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    RESULTS_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    INPUT_RECORDED_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    command: Command
    question: Question
    heartbeat: Heartbeat
    goodbye: Goodbye
    report_received: ReportReceived
    results_received: ResultsReceived
    input_recorded: InputRecorded
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., command: _Optional[_Union[Command, _Mapping]] = ..., question: _Optional[_Union[Question, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ..., report_received: _Optional[_Union[ReportReceived, _Mapping]] = ..., results_received: _Optional[_Union[ResultsReceived, _Mapping]] = ..., input_recorded: _Optional[_Union[InputRecorded, _Mapping]] = ...) -> None: ...

class InputRecorded(_message.Message):
    __slots__ = ("bursts",)
    class Burst(_message.Message):
        __slots__ = ("pod", "writer", "position")
        POD_FIELD_NUMBER: _ClassVar[int]
        WRITER_FIELD_NUMBER: _ClassVar[int]
        POSITION_FIELD_NUMBER: _ClassVar[int]
        pod: str
        writer: str
        position: int
        def __init__(self, pod: _Optional[str] = ..., writer: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...
    BURSTS_FIELD_NUMBER: _ClassVar[int]
    bursts: _containers.RepeatedCompositeFieldContainer[InputRecorded.Burst]
    def __init__(self, bursts: _Optional[_Iterable[_Union[InputRecorded.Burst, _Mapping]]] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("epoch", "protocol", "server_time_ms", "tools_json", "runner_name", "release_key")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    TOOLS_JSON_FIELD_NUMBER: _ClassVar[int]
    RUNNER_NAME_FIELD_NUMBER: _ClassVar[int]
    RELEASE_KEY_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    protocol: int
    server_time_ms: int
    tools_json: bytes
    runner_name: str
    release_key: bytes
    def __init__(self, epoch: _Optional[int] = ..., protocol: _Optional[int] = ..., server_time_ms: _Optional[int] = ..., tools_json: _Optional[bytes] = ..., runner_name: _Optional[str] = ..., release_key: _Optional[bytes] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ("id", "seq", "kind", "pod", "payload_json", "expires_in_ms", "secrets", "trace")
    class SecretsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_MS_FIELD_NUMBER: _ClassVar[int]
    SECRETS_FIELD_NUMBER: _ClassVar[int]
    TRACE_FIELD_NUMBER: _ClassVar[int]
    id: str
    seq: int
    kind: str
    pod: str
    payload_json: bytes
    expires_in_ms: int
    secrets: _containers.ScalarMap[str, str]
    trace: str
    def __init__(self, id: _Optional[str] = ..., seq: _Optional[int] = ..., kind: _Optional[str] = ..., pod: _Optional[str] = ..., payload_json: _Optional[bytes] = ..., expires_in_ms: _Optional[int] = ..., secrets: _Optional[_Mapping[str, str]] = ..., trace: _Optional[str] = ...) -> None: ...

class Question(_message.Message):
    __slots__ = ("id", "kind", "pod", "args_json")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    ARGS_JSON_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: str
    pod: str
    args_json: bytes
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[str] = ..., pod: _Optional[str] = ..., args_json: _Optional[bytes] = ...) -> None: ...

class ReportReceived(_message.Message):
    __slots__ = ("pod",)
    POD_FIELD_NUMBER: _ClassVar[int]
    pod: str
    def __init__(self, pod: _Optional[str] = ...) -> None: ...

class ResultsReceived(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ("reason", "text")
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[Goodbye.Reason]
        DRAINING: _ClassVar[Goodbye.Reason]
        SUPERSEDED: _ClassVar[Goodbye.Reason]
        REVOKED: _ClassVar[Goodbye.Reason]
        DISABLED: _ClassVar[Goodbye.Reason]
        PROTOCOL: _ClassVar[Goodbye.Reason]
        STOPPING: _ClassVar[Goodbye.Reason]
    REASON_UNSPECIFIED: Goodbye.Reason
    DRAINING: Goodbye.Reason
    SUPERSEDED: Goodbye.Reason
    REVOKED: Goodbye.Reason
    DISABLED: Goodbye.Reason
    PROTOCOL: Goodbye.Reason
    STOPPING: Goodbye.Reason
    REASON_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    reason: Goodbye.Reason
    text: str
    def __init__(self, reason: _Optional[_Union[Goodbye.Reason, str]] = ..., text: _Optional[str] = ...) -> None: ...

class TerminalUp(_message.Message):
    __slots__ = ("hello", "output", "gap", "screen", "size", "end", "input_taken", "refused", "attached", "input_refused")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    SCREEN_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    INPUT_TAKEN_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_FIELD_NUMBER: _ClassVar[int]
    INPUT_REFUSED_FIELD_NUMBER: _ClassVar[int]
    hello: TerminalsHello
    output: Output
    gap: Gap
    screen: Screen
    size: Size
    end: End
    input_taken: InputTaken
    refused: FeedRefused
    attached: Attached
    input_refused: InputRefused
    def __init__(self, hello: _Optional[_Union[TerminalsHello, _Mapping]] = ..., output: _Optional[_Union[Output, _Mapping]] = ..., gap: _Optional[_Union[Gap, _Mapping]] = ..., screen: _Optional[_Union[Screen, _Mapping]] = ..., size: _Optional[_Union[Size, _Mapping]] = ..., end: _Optional[_Union[End, _Mapping]] = ..., input_taken: _Optional[_Union[InputTaken, _Mapping]] = ..., refused: _Optional[_Union[FeedRefused, _Mapping]] = ..., attached: _Optional[_Union[Attached, _Mapping]] = ..., input_refused: _Optional[_Union[InputRefused, _Mapping]] = ...) -> None: ...

class TerminalsHello(_message.Message):
    __slots__ = ("epoch",)
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    def __init__(self, epoch: _Optional[int] = ...) -> None: ...

class Output(_message.Message):
    __slots__ = ("feed", "offset", "data")
    FEED_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    feed: int
    offset: int
    data: bytes
    def __init__(self, feed: _Optional[int] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ("feed", "to")
    FEED_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    feed: int
    to: int
    def __init__(self, feed: _Optional[int] = ..., to: _Optional[int] = ..., **kwargs) -> None: ...

class Screen(_message.Message):
    __slots__ = ("feed", "offset", "cols", "rows", "data")
    FEED_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    COLS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    feed: int
    offset: int
    cols: int
    rows: int
    data: bytes
    def __init__(self, feed: _Optional[int] = ..., offset: _Optional[int] = ..., cols: _Optional[int] = ..., rows: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class Size(_message.Message):
    __slots__ = ("feed", "offset", "cols", "rows")
    FEED_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    COLS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    feed: int
    offset: int
    cols: int
    rows: int
    def __init__(self, feed: _Optional[int] = ..., offset: _Optional[int] = ..., cols: _Optional[int] = ..., rows: _Optional[int] = ...) -> None: ...

class End(_message.Message):
    __slots__ = ("feed", "offset", "exit_code")
    FEED_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    EXIT_CODE_FIELD_NUMBER: _ClassVar[int]
    feed: int
    offset: int
    exit_code: int
    def __init__(self, feed: _Optional[int] = ..., offset: _Optional[int] = ..., exit_code: _Optional[int] = ...) -> None: ...

class InputTaken(_message.Message):
    __slots__ = ("pod", "writer", "position")
    POD_FIELD_NUMBER: _ClassVar[int]
    WRITER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    pod: str
    writer: str
    position: int
    def __init__(self, pod: _Optional[str] = ..., writer: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class InputRefused(_message.Message):
    __slots__ = ("pod", "writer", "position", "reason")
    POD_FIELD_NUMBER: _ClassVar[int]
    WRITER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    pod: str
    writer: str
    position: int
    reason: str
    def __init__(self, pod: _Optional[str] = ..., writer: _Optional[str] = ..., position: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class FeedRefused(_message.Message):
    __slots__ = ("feed", "reason")
    FEED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    feed: int
    reason: str
    def __init__(self, feed: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class Attached(_message.Message):
    __slots__ = ("feed", "start", "end", "cols", "rows")
    FEED_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    COLS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    feed: int
    start: int
    end: int
    cols: int
    rows: int
    def __init__(self, feed: _Optional[int] = ..., start: _Optional[int] = ..., end: _Optional[int] = ..., cols: _Optional[int] = ..., rows: _Optional[int] = ...) -> None: ...

class TerminalDown(_message.Message):
    __slots__ = ("open", "ack", "close", "input", "resize")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    RESIZE_FIELD_NUMBER: _ClassVar[int]
    open: OpenFeed
    ack: FeedAck
    close: CloseFeed
    input: Input
    resize: Resize
    def __init__(self, open: _Optional[_Union[OpenFeed, _Mapping]] = ..., ack: _Optional[_Union[FeedAck, _Mapping]] = ..., close: _Optional[_Union[CloseFeed, _Mapping]] = ..., input: _Optional[_Union[Input, _Mapping]] = ..., resize: _Optional[_Union[Resize, _Mapping]] = ...) -> None: ...

class OpenFeed(_message.Message):
    __slots__ = ("feed", "pod", "offset", "screen", "live")
    FEED_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SCREEN_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    feed: int
    pod: str
    offset: int
    screen: bool
    live: bool
    def __init__(self, feed: _Optional[int] = ..., pod: _Optional[str] = ..., offset: _Optional[int] = ..., screen: _Optional[bool] = ..., live: _Optional[bool] = ...) -> None: ...

class FeedAck(_message.Message):
    __slots__ = ("feed", "offset")
    FEED_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    feed: int
    offset: int
    def __init__(self, feed: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class CloseFeed(_message.Message):
    __slots__ = ("feed",)
    FEED_FIELD_NUMBER: _ClassVar[int]
    feed: int
    def __init__(self, feed: _Optional[int] = ...) -> None: ...

class Input(_message.Message):
    __slots__ = ("pod", "data", "writer", "position")
    POD_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    WRITER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    pod: str
    data: bytes
    writer: str
    position: int
    def __init__(self, pod: _Optional[str] = ..., data: _Optional[bytes] = ..., writer: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class Resize(_message.Message):
    __slots__ = ("pod", "cols", "rows")
    POD_FIELD_NUMBER: _ClassVar[int]
    COLS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    pod: str
    cols: int
    rows: int
    def __init__(self, pod: _Optional[str] = ..., cols: _Optional[int] = ..., rows: _Optional[int] = ...) -> None: ...
