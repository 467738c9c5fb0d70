"""The protocol before this one, as it was: messages that know nothing of what came later.

`1.binpb` is its descriptor, made once with `protoc --descriptor_set_out` from the files of that time. A new protocol adds
the next one, and PREVIOUS moves on: a server and a Runner keep N and N-1.
"""

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc import aio

PREVIOUS = 1


class Protocol:
    """`protocol.Hello(…)` makes a message as it was then; `stub` calls methods with those."""

    def __init__(self, number: int = PREVIOUS) -> None:
        self.number = number
        held = descriptor_pb2.FileDescriptorSet.FromString(
            Path(__file__).with_name(f"{number}.binpb").read_bytes()
        )
        self._pool = descriptor_pool.DescriptorPool()
        for file in held.file:
            self._pool.Add(file)

    def __getattr__(self, name: str) -> Any:
        found = self._pool.FindMessageTypeByName(f"mesh.v1.{name}")
        return message_factory.GetMessageClass(found)

    def read(self, message: Any) -> Any:
        """A message of today, as somebody of then reads it."""
        name = type(message).DESCRIPTOR.name
        return getattr(self, name).FromString(message.SerializeToString())

    def session(self, channel: aio.Channel) -> Any:
        return channel.stream_stream(
            "/mesh.v1.RunnerLink/Session",
            request_serializer=self.FromRunner.SerializeToString,
            response_deserializer=self.ToRunner.FromString,
        )()
