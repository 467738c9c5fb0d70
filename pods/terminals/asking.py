"""Single questions and typing, for threads: one call to the Gateway that has the Pod's Runner."""

import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import grpc

from pods.lease import Writer
from pods.terminals import wire
from pods.terminals.dial import Credentials, ThreadChannels
from pods.terminals.whereabouts import Whereabouts, whereabouts
from proto.mesh.v1 import relay_pb2 as pb
from proto.mesh.v1 import runner_pb2
from proto.mesh.v1.relay_pb2_grpc import RelayStub

R = TypeVar("R")

ANSWER_S = 20.0  # beyond the Gateway's own limit for a Runner's answer
TYPE_S = 60.0  # a long text into a program that reads slowly
TRIES = 3  # the Runner may have gone to another Gateway a moment ago

DIAL_S = 1.0

_UNHEARD = {grpc.StatusCode.FAILED_PRECONDITION}  # not_here
_GONE = {grpc.StatusCode.UNAVAILABLE}  # before or after it was heard


class AwayError(Exception):
    """The Runner has no Session, or cannot be reached. `since` is in `place`."""

    def __init__(self, place: Whereabouts) -> None:
        super().__init__("the Runner is away")
        self.place = place


class SilentError(Exception):
    """The Runner is there and did not answer in time."""


class Relay:
    def __init__(self, credentials: Credentials) -> None:
        self._channels = ThreadChannels(credentials)

    def ask(self, pod: str, kind: str, args: dict[str, Any]) -> runner_pb2.Answer:
        """Raises AwayError, SilentError."""

        def call(stub: Any, place: Whereabouts) -> runner_pb2.Answer:
            request = pb.AskRequest(
                runner_id=place.runner_id, pod=pod, kind=kind, args_json=json.dumps(args).encode()
            )
            answer: runner_pb2.Answer = stub.Ask(request, timeout=ANSWER_S)
            return answer

        return self._call(pod, call)

    def type(self, pod: str, writer: Writer, steps: Sequence[tuple[float, bytes]]) -> str:
        """Each step after its pause in seconds. Why it was refused, or "" once the PTY took all.

        Raises AwayError, SilentError.
        """

        def call(stub: Any, place: Whereabouts) -> str:
            request = pb.TypeRequest(
                runner_id=place.runner_id,
                pod=pod,
                writer=wire.writer_to(writer),
                steps=[pb.TypeStep(data=d, pause_ms=round(pause * 1000)) for pause, d in steps],
            )
            return str(stub.Type(request, timeout=TYPE_S).refused)

        return self._call(pod, call, twice=False)

    def resize(self, pod: str, writer: Writer, cols: int, rows: int) -> str:
        """Why it was refused, or "". Raises AwayError, SilentError."""

        def call(stub: Any, place: Whereabouts) -> str:
            request = pb.ResizeRequest(
                runner_id=place.runner_id,
                pod=pod,
                writer=wire.writer_to(writer),
                cols=cols,
                rows=rows,
            )
            return str(stub.ResizeTerminal(request, timeout=ANSWER_S).refused)

        return self._call(pod, call)

    def _call(self, pod: str, call: Callable[[Any, Whereabouts], R], *, twice: bool = True) -> R:
        """Raises AwayError when no Gateway has the Runner, SilentError when it may have heard the call.

        `twice`: it may be made again even if it may have been heard.
        """
        place = Whereabouts()
        for left in reversed(range(TRIES)):
            place = whereabouts(pod)
            if not place.address:
                break
            try:
                channel = self._channels.to(place.address)
                if not twice:
                    grpc.channel_ready_future(channel).result(DIAL_S)
                return call(RelayStub(channel), place)
            except grpc.FutureTimeoutError:
                self._channels.drop(place.address)
            except grpc.RpcError as error:
                self._judge(error, place.address, twice=twice)
            if left:
                time.sleep(random.uniform(0.05, 0.2))  # noqa: S311 - spreads the load
        raise AwayError(place)

    def _judge(self, error: grpc.RpcError, address: str, *, twice: bool) -> None:
        """Raises SilentError if the call is not to be made again."""
        if error.code() not in (_UNHEARD | _GONE if twice else _UNHEARD):
            raise SilentError from error
        if error.code() in _GONE:
            self._channels.drop(address)  # perhaps one of us has another certificate by now
