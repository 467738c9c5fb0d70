"""Protobuf to plain types and back, for what carries Terminals. Nothing else here."""

from typing import assert_never

from pods.lease import Writer
from pods.terminals.messages import (
    Chunk,
    CloseFeed,
    Control,
    End,
    FeedAck,
    Gap,
    Input,
    Link,
    Notice,
    OpenFeed,
    Refused,
    Request,
    Resize,
    Screen,
    Shown,
    Size,
    Taken,
)
from proto.mesh.v1 import relay_pb2 as relay
from proto.mesh.v1 import runner_pb2 as runner

_WHATS = {
    "input": relay.ViewerRefused.INPUT,
    "resize": relay.ViewerRefused.RESIZE,
    "control": relay.ViewerRefused.CONTROL,
}
_WHAT_NAMES = {number: name for name, number in _WHATS.items()}


# ---- gateway → Runner


def request_to_runner(request: Request) -> runner.TerminalDown:
    match request:
        case Input(pod, data, writer, position):
            typed = runner.Input(pod=pod, data=data, writer=writer, position=position)
            return runner.TerminalDown(input=typed)
        case FeedAck(feed, offset):
            return runner.TerminalDown(ack=runner.FeedAck(feed=feed, offset=offset))
        case OpenFeed(feed, pod, None):
            return runner.TerminalDown(
                open=runner.OpenFeed(feed=feed, pod=pod, screen=True, live=True)
            )
        case OpenFeed(feed, pod, offset):
            return runner.TerminalDown(
                open=runner.OpenFeed(feed=feed, pod=pod, offset=offset, live=True)
            )
        case CloseFeed(feed):
            return runner.TerminalDown(close=runner.CloseFeed(feed=feed))
        case Resize(pod, cols, rows):
            return runner.TerminalDown(resize=runner.Resize(pod=pod, cols=cols, rows=rows))
        case _:
            assert_never(request)


# ---- what a Terminal shows: from the Runner, to web and from the gateway


def screen(message: runner.Screen) -> Screen:
    return Screen(message.offset, message.cols, message.rows, message.data)


def size(message: runner.Size) -> Size:
    return Size(message.offset, message.cols, message.rows)


def end(message: runner.End) -> End:
    return End(message.offset, message.exit_code)


def shown_to_web(shown: Shown) -> relay.ViewDown:
    match shown:
        case Chunk(offset, data):
            return relay.ViewDown(output=runner.Output(offset=offset, data=data))
        case Screen(offset, cols, rows, data):
            return relay.ViewDown(
                screen=runner.Screen(offset=offset, cols=cols, rows=rows, data=data)
            )
        case Gap(start, to):
            gap = runner.Gap(to=to)
            setattr(gap, "from", start)
            return relay.ViewDown(gap=gap)
        case Size(offset, cols, rows):
            return relay.ViewDown(size=runner.Size(offset=offset, cols=cols, rows=rows))
        case End(offset, exit_code):
            return relay.ViewDown(end=runner.End(offset=offset, exit_code=exit_code))
        case _:
            assert_never(shown)


# ---- attending


def writer_from(message: relay.Writer) -> Writer:
    return Writer(message.kind, message.id, message.name)


def writer_to(writer: Writer) -> relay.Writer:
    return relay.Writer(kind=writer.kind, id=writer.id, name=writer.name)


def notice_to_web(notice: Notice) -> relay.AttendDown:
    match notice:
        case Taken(viewer, position):
            return relay.AttendDown(taken=relay.ViewerTaken(viewer=viewer, position=position))
        case Refused(viewer, what, reason, position):
            return relay.AttendDown(
                refused=relay.ViewerRefused(
                    viewer=viewer, what=_WHATS[what], reason=reason, position=position
                )
            )
        case Control(holder, viewer, since_ms):
            return relay.AttendDown(
                control=relay.ControlState(
                    holder=writer_to(holder) if holder else None, viewer=viewer, since_ms=since_ms
                )
            )
        case Link(connected, reason, number):
            return relay.AttendDown(
                link=relay.LinkState(connected=connected, reason=reason, number=number)
            )
        case _:
            assert_never(notice)


def notice_from_gateway(message: relay.AttendDown) -> Notice | None:
    """None: of a kind this version does not know."""
    match message.WhichOneof("message"):
        case "taken":
            return Taken(message.taken.viewer, message.taken.position)
        case "refused":
            refused = message.refused
            what = _WHAT_NAMES.get(refused.what, "input")
            return Refused(refused.viewer, what, refused.reason, refused.position)
        case "control":
            control = message.control
            holder = writer_from(control.holder) if control.HasField("holder") else None
            return Control(holder, control.viewer, control.since_ms)
        case "link":
            return Link(message.link.connected, message.link.reason, message.link.number)
        case _:
            return None
