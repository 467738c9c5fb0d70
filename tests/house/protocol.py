"""Every field of the protocol with its number and type: `python -m tests.house.protocol` prints the list."""

import sys
from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor

from proto.mesh.v1 import enrollment_pb2, relay_pb2, runner_pb2

MODULES = (enrollment_pb2, relay_pb2, runner_pb2)
TYPES = {
    value: name.removeprefix("TYPE_").lower()
    for name, value in vars(FieldDescriptor).items()
    if name.startswith("TYPE_")
}


def lines() -> Iterator[str]:
    for module in MODULES:
        yield from _of_file(module.DESCRIPTOR)


def _of_file(file: FileDescriptor) -> Iterator[str]:
    for message in file.message_types_by_name.values():
        yield from _of_message(message)
    for enum in file.enum_types_by_name.values():
        for value in enum.values:
            yield f"{enum.full_name}.{value.name} = {value.number}"
    for service in file.services_by_name.values():
        for method in service.methods:
            yield f"{method.full_name}({method.input_type.name}) returns {method.output_type.name}"


def _of_message(message: Descriptor) -> Iterator[str]:
    for field in message.fields:
        yield f"{message.full_name}.{field.name} = {field.number} {_type(field)}"
    for nested in message.nested_types:
        yield from _of_message(nested)


def _type(field: FieldDescriptor) -> str:
    kind = field.message_type.full_name if field.message_type else TYPES[field.type]
    return f"repeated {kind}" if field.is_repeated else kind


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lines())
