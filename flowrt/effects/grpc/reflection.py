"""Asks a server for the schema of its services: gRPC server reflection, v1 and the older v1alpha.

Source: grpc/reflection/v1/reflection.proto; both versions have the same messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flowrt.core.fault import Fault, Faulted
from flowrt.effects.grpc.schema import pick_service

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from grpc.aio import Channel

_VERSIONS = ("v1", "v1alpha")
_OWN = "grpc.reflection."
_LOST_STATUS = "Internal error from Core"
_ATTEMPTS = 5


async def reflect(
    channel: Channel, service: str, metadata: Sequence[tuple[str, str]], timeout_s: float | None
) -> list[FileDescriptorProto]:
    """The file that defines `service` and all it imports.

    Raises `configuration`/400 when the server does not know it or has no reflection, and grpc's own error otherwise.
    """
    import grpc

    for version in _VERSIONS:
        for attempt in range(_ATTEMPTS):
            try:
                return await _Reflection(channel, version, metadata, timeout_s).files(service)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                    break
                # A server that ends the call before it has read the question (an unknown version, mostly) makes the
                # library fail on the question and forget the server's status: asked again, it may be told.
                if error.details() != _LOST_STATUS or attempt == _ATTEMPTS - 1:
                    raise
    raise _unknown("the server has no reflection; give its proto file in proto.endpoint")


class _Reflection:
    """The questions of one version to one server."""

    def __init__(
        self, channel: Channel, version: str, metadata: Sequence[tuple[str, str]], timeout_s: float | None
    ) -> None:
        from grpc_reflection.v1alpha import reflection_pb2

        self._messages: Any = reflection_pb2
        self._method = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=self._messages.ServerReflectionRequest.SerializeToString,
            response_deserializer=self._messages.ServerReflectionResponse.FromString,
        )
        self._metadata = tuple(metadata)
        self._timeout_s = timeout_s

    async def files(self, service: str) -> list[FileDescriptorProto]:
        found = await self._files(file_containing_symbol=await self._full_name(service))
        while missing := _missing(found):
            for name in missing:
                found |= await self._files(file_by_filename=name)
            if still := [name for name in missing if name not in found]:
                raise _unknown(f"the server imports {', '.join(still)} but does not describe it; give proto.endpoint")
        return list(found.values())

    async def _full_name(self, service: str) -> str:
        answer = await self._ask(list_services="")
        services = (each.name for each in answer.list_services_response.service)
        known = [name for name in services if not name.startswith(_OWN)]
        return pick_service(service, known, "the server")

    async def _files(self, **question: str) -> dict[str, FileDescriptorProto]:
        """The files of the answer by name; none when the server does not know."""
        from google.protobuf.descriptor_pb2 import FileDescriptorProto

        answer = await self._ask(**question)
        contents = answer.file_descriptor_response.file_descriptor_proto
        return {file.name: file for file in map(FileDescriptorProto.FromString, contents)}

    async def _ask(self, **question: str) -> Any:
        call: Any = self._method(
            iter([self._messages.ServerReflectionRequest(**question)]), metadata=self._metadata, timeout=self._timeout_s
        )
        try:
            async for answer in call:
                return answer
            return self._messages.ServerReflectionResponse()
        finally:
            call.cancel()


def _missing(found: dict[str, FileDescriptorProto]) -> list[str]:
    return sorted({name for file in found.values() for name in file.dependency} - found.keys())


def _unknown(detail: str) -> Faulted:
    return Faulted(Fault.of("configuration", detail))
