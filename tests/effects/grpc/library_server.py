"""A gRPC server of all four kinds of methods, with reflection, written against generated code."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from grpc_reflection.v1alpha import reflection

PROTOS = Path(__file__).parent / "protos"
SERVICE = "library.v1.Library"


def generated(
    folder: Path, protos: Path = PROTOS, files: Sequence[str] = ("library.proto", "common/genre.proto")
) -> tuple[Any, Any]:
    """The generated modules of the first proto file: messages and service."""
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}"]
    subprocess.run([*command, f"--python_out={folder}", f"--grpc_python_out={folder}", *files], check=True)
    name = Path(files[0]).stem
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(f"{name}_pb2"), importlib.import_module(f"{name}_pb2_grpc")
    finally:
        sys.path.remove(str(folder))


@dataclass
class Library:
    """The service, and what it saw."""

    pb: Any
    address: str = ""
    port: int = 0
    metadata: dict[str, str] = field(default_factory=dict)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    remaining_s: float | None = None
    password: str | None = None

    async def FindBook(self, request: Any, context: Any) -> Any:
        self._look(context)
        if self.password and self.metadata.get("authorization") != self.password:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")
        return self._book(request.book_title)

    async def ListBooks(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self._look(context)
        for number in range(3):
            yield self._book(f"{request.book_title} {number}")

    async def AddBooks(self, requests: AsyncIterator[Any], context: Any) -> Any:
        titles = [book.book_title async for book in requests]
        return self.pb.Summary(count=len(titles), titles=titles)

    async def Converse(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            yield self._book(request.book_title.upper())

    async def Fail(self, request: Any, context: Any) -> Any:
        await context.abort(getattr(grpc.StatusCode, request.code), request.message)

    async def Hang(self, request: Any, context: Any) -> Any:
        self._look(context)
        self.hanging.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()

    async def Metadata(self, request: Any, context: Any) -> Any:
        from google.protobuf.struct_pb2 import Struct

        self._look(context)
        return Struct(fields={}) if not self.metadata else _struct(self.metadata)

    def _look(self, context: Any) -> None:
        self.metadata = dict(context.invocation_metadata())
        self.remaining_s = context.time_remaining()

    def _book(self, title: str) -> Any:
        return self.pb.Book(book_title=title, copies_sold=2**53 + 1, genre=1, cover=b"\x00\xff")


def _struct(values: dict[str, str]) -> Any:
    from google.protobuf.struct_pb2 import Struct

    struct = Struct()
    struct.update({name: value for name, value in values.items() if isinstance(value, str)})
    return struct


@asynccontextmanager
async def serving(
    modules: tuple[Any, Any], credentials: grpc.ServerCredentials | None = None, *, reflects: bool = True
) -> AsyncIterator[Library]:
    messages, services = modules
    library = Library(messages)
    server = grpc.aio.server()
    services.add_LibraryServicer_to_server(library, server)
    if reflects:
        reflection.enable_server_reflection((SERVICE, reflection.SERVICE_NAME), server)
    if credentials is None:
        library.port = server.add_insecure_port("127.0.0.1:0")
    else:
        library.port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield library
    finally:
        await server.stop(None)
