"""One method of a service: how many messages go each way, and messages from and to JSON.

Source of the mapping: protobuf's ProtoJSON. Fields are read by their JSON (camelCase) or proto names and written by
their JSON names; fields without presence are written even when they hold their default, so that an expression sees
`false` or `0` and not null. 64-bit integers are strings and bytes are base64, as ProtoJSON has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from flowrt.core.effect import Json
from flowrt.core.fault import Fault, Faulted

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message


class Method:
    """A method found in a schema."""

    def __init__(self, descriptor: MethodDescriptor, pool: DescriptorPool) -> None:
        from google.protobuf.message_factory import GetMessageClass

        self.path = f"/{descriptor.containing_service.full_name}/{descriptor.name}"
        self.takes_stream: bool = descriptor.client_streaming
        self.gives_stream: bool = descriptor.server_streaming
        self._input: Descriptor = descriptor.input_type
        self._pool = pool
        self._request_type: type[Message] = GetMessageClass(descriptor.input_type)
        self._reply_type: type[Message] = GetMessageClass(descriptor.output_type)

    def requests(self, arguments: Json) -> list[Message]:
        """The messages to send. Raises `validation`/400 naming the argument and what would fit.

        A method that takes a stream is given an array of messages, bare or as the only member of an object under a
        name that is no field of the message (`{messages: [...]}`: the DSL's schema wants an object); any other
        object is a stream of one message, nothing at all an empty one.
        """
        return [self._request(each, where) for where, each in self._inputs(arguments)]

    def reply(self, content: bytes) -> Message:
        return self._reply_type.FromString(content)

    def to_json(self, message: Message) -> Json:
        from google.protobuf.json_format import MessageToDict

        return MessageToDict(message, always_print_fields_with_no_presence=True, descriptor_pool=self._pool)

    def problems(self, arguments: Json, is_literal: Callable[[Json], bool]) -> list[str]:
        """What is wrong with arguments whose expressions are unevaluated: names always, values if all are literal."""
        if is_literal(arguments):
            try:
                self.requests(arguments)
            except Faulted as error:
                return [str(error)]
            return []
        return [problem for where, each in self._inputs(arguments) for problem in _unknown(self._input, each, where)]

    def _inputs(self, arguments: Json) -> Sequence[tuple[str, Json]]:
        if not self.takes_stream:
            return [("arguments", {} if arguments is None else arguments)]
        if isinstance(arguments, dict) and len(arguments) == 1:
            (name, value), fields = next(iter(arguments.items())), _fields(self._input)
            if isinstance(value, list) and name not in fields:
                return [(f"arguments.{name}[{index}]", each) for index, each in enumerate(value)]
        if isinstance(arguments, list):
            return [(f"arguments[{index}]", each) for index, each in enumerate(arguments)]
        return [] if arguments is None else [("arguments", arguments)]

    def _request(self, value: Json, where: str) -> Message:
        from google.protobuf.json_format import ParseDict, ParseError

        if not isinstance(value, dict) and not _is_well_known(self._input):
            raise _invalid(f"{where} must be an object with the fields of {self._input.full_name}")
        if problems := list(_unknown(self._input, value, where)):
            raise _invalid("; ".join(problems))
        try:
            return ParseDict(value, self._request_type(), descriptor_pool=self._pool)
        except (ParseError, TypeError, ValueError) as error:
            raise _invalid(f"{where} does not fit {self._input.full_name}: {error}") from error


def _fields(message: Descriptor) -> dict[str, FieldDescriptor]:
    return {name: field for field in message.fields for name in (field.name, field.json_name)}


def _is_well_known(message: Descriptor) -> bool:
    return bool(message.full_name.startswith("google.protobuf."))


def _unknown(message: Descriptor, value: Json, where: str) -> Iterator[str]:
    """Problems with names only; whether values fit is the parser's to say."""
    if not isinstance(value, dict) or _is_well_known(message):
        return
    fields = _fields(message)
    for name, item in value.items():
        here = f"{where}.{name}"
        if name.startswith("["):  # an extension of proto2, which the parser looks up
            continue
        if name not in fields:
            known = ", ".join(field.json_name for field in message.fields) or "none"
            yield f"{here} is no field of {message.full_name}; its fields are: {known}"
            continue
        for message_type, inner, each in _nested(fields[name], item, here):
            yield from _unknown(message_type, each, inner)


def _nested(field: FieldDescriptor, item: Json, where: str) -> Iterator[tuple[Descriptor, str, Json]]:
    """The messages within a field's value. The entries of a map are left to the parser."""
    if field.message_type is None or field.message_type.GetOptions().map_entry:
        return
    if isinstance(item, list):
        yield from ((field.message_type, f"{where}[{index}]", each) for index, each in enumerate(item))
    else:
        yield field.message_type, where, item


def _invalid(detail: str) -> Faulted:
    return Faulted(Fault.of("validation", detail))
