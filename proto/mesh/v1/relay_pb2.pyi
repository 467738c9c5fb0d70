from proto.mesh.v1 import runner_pb2 as _runner_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Writer(_message.Message):
    __slots__ = ("kind", "id", "name")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    kind: str
    id: str
    name: str
    def __init__(self, kind: _Optional[str] = ..., id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class ViewUp(_message.Message):
    __slots__ = ("open", "ack")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    open: ViewOpen
    ack: int
    def __init__(self, open: _Optional[_Union[ViewOpen, _Mapping]] = ..., ack: _Optional[int] = ...) -> None: ...

class ViewOpen(_message.Message):
    __slots__ = ("runner_id", "pod", "offset", "screen")
    RUNNER_ID_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SCREEN_FIELD_NUMBER: _ClassVar[int]
    runner_id: int
    pod: str
    offset: int
    screen: bool
    def __init__(self, runner_id: _Optional[int] = ..., pod: _Optional[str] = ..., offset: _Optional[int] = ..., screen: _Optional[bool] = ...) -> None: ...

class ViewDown(_message.Message):
    __slots__ = ("output", "gap", "screen", "size", "end")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    SCREEN_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    output: _runner_pb2.Output
    gap: _runner_pb2.Gap
    screen: _runner_pb2.Screen
    size: _runner_pb2.Size
    end: _runner_pb2.End
    def __init__(self, output: _Optional[_Union[_runner_pb2.Output, _Mapping]] = ..., gap: _Optional[_Union[_runner_pb2.Gap, _Mapping]] = ..., screen: _Optional[_Union[_runner_pb2.Screen, _Mapping]] = ..., size: _Optional[_Union[_runner_pb2.Size, _Mapping]] = ..., end: _Optional[_Union[_runner_pb2.End, _Mapping]] = ...) -> None: ...

class AttendUp(_message.Message):
    __slots__ = ("open", "join", "input", "resize", "control")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    JOIN_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    RESIZE_FIELD_NUMBER: _ClassVar[int]
    CONTROL_FIELD_NUMBER: _ClassVar[int]
    open: AttendOpen
    join: ViewerJoin
    input: ViewerInput
    resize: ViewerResize
    control: ViewerControl
    def __init__(self, open: _Optional[_Union[AttendOpen, _Mapping]] = ..., join: _Optional[_Union[ViewerJoin, _Mapping]] = ..., input: _Optional[_Union[ViewerInput, _Mapping]] = ..., resize: _Optional[_Union[ViewerResize, _Mapping]] = ..., control: _Optional[_Union[ViewerControl, _Mapping]] = ...) -> None: ...

class AttendOpen(_message.Message):
    __slots__ = ("runner_id", "pod")
    RUNNER_ID_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    runner_id: int
    pod: str
    def __init__(self, runner_id: _Optional[int] = ..., pod: _Optional[str] = ...) -> None: ...

class ViewerJoin(_message.Message):
    __slots__ = ("viewer", "writer", "client")
    VIEWER_FIELD_NUMBER: _ClassVar[int]
    WRITER_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    viewer: str
    writer: Writer
    client: str
    def __init__(self, viewer: _Optional[str] = ..., writer: _Optional[_Union[Writer, _Mapping]] = ..., client: _Optional[str] = ...) -> None: ...

class ViewerInput(_message.Message):
    __slots__ = ("viewer", "position", "data", "link")
    VIEWER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    viewer: str
    position: int
    data: bytes
    link: int
    def __init__(self, viewer: _Optional[str] = ..., position: _Optional[int] = ..., data: _Optional[bytes] = ..., link: _Optional[int] = ...) -> None: ...

class ViewerResize(_message.Message):
    __slots__ = ("viewer", "cols", "rows")
    VIEWER_FIELD_NUMBER: _ClassVar[int]
    COLS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    viewer: str
    cols: int
    rows: int
    def __init__(self, viewer: _Optional[str] = ..., cols: _Optional[int] = ..., rows: _Optional[int] = ...) -> None: ...

class ViewerControl(_message.Message):
    __slots__ = ("viewer", "wish")
    class Wish(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        WISH_UNSPECIFIED: _ClassVar[ViewerControl.Wish]
        TAKE: _ClassVar[ViewerControl.Wish]
        RELEASE: _ClassVar[ViewerControl.Wish]
        LEAVE: _ClassVar[ViewerControl.Wish]
    WISH_UNSPECIFIED: ViewerControl.Wish
    TAKE: ViewerControl.Wish
    RELEASE: ViewerControl.Wish
    LEAVE: ViewerControl.Wish
    VIEWER_FIELD_NUMBER: _ClassVar[int]
    WISH_FIELD_NUMBER: _ClassVar[int]
    viewer: str
    wish: ViewerControl.Wish
    def __init__(self, viewer: _Optional[str] = ..., wish: _Optional[_Union[ViewerControl.Wish, str]] = ...) -> None: ...

class AttendDown(_message.Message):
    __slots__ = ("taken", "refused", "control", "link")
    TAKEN_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    CONTROL_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    taken: ViewerTaken
    refused: ViewerRefused
    control: ControlState
    link: LinkState
    def __init__(self, taken: _Optional[_Union[ViewerTaken, _Mapping]] = ..., refused: _Optional[_Union[ViewerRefused, _Mapping]] = ..., control: _Optional[_Union[ControlState, _Mapping]] = ..., link: _Optional[_Union[LinkState, _Mapping]] = ...) -> None: ...

class ViewerTaken(_message.Message):
    __slots__ = ("viewer", "position")
    VIEWER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    viewer: str
    position: int
    def __init__(self, viewer: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class ViewerRefused(_message.Message):
    __slots__ = ("viewer", "what", "reason", "position")
    class What(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        INPUT: _ClassVar[ViewerRefused.What]
        RESIZE: _ClassVar[ViewerRefused.What]
        CONTROL: _ClassVar[ViewerRefused.What]
    INPUT: ViewerRefused.What
    RESIZE: ViewerRefused.What
    CONTROL: ViewerRefused.What
    VIEWER_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    viewer: str
    what: ViewerRefused.What
    reason: str
    position: int
    def __init__(self, viewer: _Optional[str] = ..., what: _Optional[_Union[ViewerRefused.What, str]] = ..., reason: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class ControlState(_message.Message):
    __slots__ = ("holder", "viewer", "since_ms")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    VIEWER_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    holder: Writer
    viewer: str
    since_ms: int
    def __init__(self, holder: _Optional[_Union[Writer, _Mapping]] = ..., viewer: _Optional[str] = ..., since_ms: _Optional[int] = ...) -> None: ...

class LinkState(_message.Message):
    __slots__ = ("connected", "reason", "number")
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    connected: bool
    reason: str
    number: int
    def __init__(self, connected: _Optional[bool] = ..., reason: _Optional[str] = ..., number: _Optional[int] = ...) -> None: ...

class AskRequest(_message.Message):
    __slots__ = ("runner_id", "pod", "kind", "args_json")
    RUNNER_ID_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ARGS_JSON_FIELD_NUMBER: _ClassVar[int]
    runner_id: int
    pod: str
    kind: str
    args_json: bytes
    def __init__(self, runner_id: _Optional[int] = ..., pod: _Optional[str] = ..., kind: _Optional[str] = ..., args_json: _Optional[bytes] = ...) -> None: ...

class TypeRequest(_message.Message):
    __slots__ = ("runner_id", "pod", "writer", "steps")
    RUNNER_ID_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    WRITER_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    runner_id: int
    pod: str
    writer: Writer
    steps: _containers.RepeatedCompositeFieldContainer[TypeStep]
    def __init__(self, runner_id: _Optional[int] = ..., pod: _Optional[str] = ..., writer: _Optional[_Union[Writer, _Mapping]] = ..., steps: _Optional[_Iterable[_Union[TypeStep, _Mapping]]] = ...) -> None: ...

class TypeStep(_message.Message):
    __slots__ = ("data", "pause_ms")
    DATA_FIELD_NUMBER: _ClassVar[int]
    PAUSE_MS_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    pause_ms: int
    def __init__(self, data: _Optional[bytes] = ..., pause_ms: _Optional[int] = ...) -> None: ...

class TypeReply(_message.Message):
    __slots__ = ("taken", "refused")
    TAKEN_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    taken: bool
    refused: str
    def __init__(self, taken: _Optional[bool] = ..., refused: _Optional[str] = ...) -> None: ...

class ResizeRequest(_message.Message):
    __slots__ = ("runner_id", "pod", "writer", "cols", "rows")
    RUNNER_ID_FIELD_NUMBER: _ClassVar[int]
    POD_FIELD_NUMBER: _ClassVar[int]
    WRITER_FIELD_NUMBER: _ClassVar[int]
    COLS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    runner_id: int
    pod: str
    writer: Writer
    cols: int
    rows: int
    def __init__(self, runner_id: _Optional[int] = ..., pod: _Optional[str] = ..., writer: _Optional[_Union[Writer, _Mapping]] = ..., cols: _Optional[int] = ..., rows: _Optional[int] = ...) -> None: ...
