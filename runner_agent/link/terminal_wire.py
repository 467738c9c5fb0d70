"""The same for the Terminals stream: protobuf on one side, plain messages on the other."""

from typing import assert_never

from proto.mesh.v1 import runner_pb2 as pb
from runner_agent import messages as m
from runner_agent.link.wire import WireError


def terminals_hello(epoch: int) -> pb.TerminalUp:
    return pb.TerminalUp(hello=pb.TerminalsHello(epoch=epoch))


def encode_event(event: m.TerminalEvent) -> pb.TerminalUp:
    match event:
        case m.Output(feed, offset, data):
            return pb.TerminalUp(output=pb.Output(feed=feed, offset=offset, data=data))
        case m.Gap(feed, start, to):
            gap = pb.Gap(feed=feed, to=to)
            setattr(gap, "from", start)  # a word of Python's own
            return pb.TerminalUp(gap=gap)
        case m.Screen(feed, offset, cols, rows, data):
            return pb.TerminalUp(
                screen=pb.Screen(feed=feed, offset=offset, cols=cols, rows=rows, data=data)
            )
        case m.Size(feed, offset, cols, rows):
            return pb.TerminalUp(size=pb.Size(feed=feed, offset=offset, cols=cols, rows=rows))
        case m.End(feed, offset, exit_code):
            return pb.TerminalUp(end=pb.End(feed=feed, offset=offset, exit_code=exit_code))
        case m.Attached(feed, start, end, cols, rows):
            return pb.TerminalUp(
                attached=pb.Attached(feed=feed, start=start, end=end, cols=cols, rows=rows)
            )
        case m.InputTaken(pod, writer, position):
            return pb.TerminalUp(
                input_taken=pb.InputTaken(pod=pod, writer=writer, position=position)
            )
        case m.InputRefused(pod, writer, position, reason):
            return pb.TerminalUp(
                input_refused=pb.InputRefused(
                    pod=pod, writer=writer, position=position, reason=reason
                )
            )
        case m.FeedRefused(feed, reason):
            return pb.TerminalUp(refused=pb.FeedRefused(feed=feed, reason=reason))
        case _:
            assert_never(event)


def decode_request(message: pb.TerminalDown) -> m.TerminalRequest:
    """WireError when it is not in the protocol."""
    kind = message.WhichOneof("message")
    match kind:
        case "open":
            opened = message.open
            offset = opened.offset if opened.WhichOneof("start") == "offset" else None
            return m.OpenFeed(opened.feed, opened.pod, offset, opened.live)
        case "ack":
            return m.FeedAck(message.ack.feed, message.ack.offset)
        case "close":
            return m.CloseFeed(message.close.feed)
        case "input":
            typed = message.input
            return m.Input(typed.pod, typed.data, typed.writer, typed.position)
        case "resize":
            return m.Resize(message.resize.pod, message.resize.cols, message.resize.rows)
        case None:
            raise WireError(
                "The gateway asked something of a Terminal that this Runner does not know."
            )
        case _:
            assert_never(kind)
