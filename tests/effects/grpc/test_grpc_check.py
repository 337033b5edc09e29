"""What `call: grpc` knows at load, and what it needs to be installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowrt.effects.grpc import GrpcCall
from tests.effects.grpc.library_server import PROTOS, SERVICE
from tests.effects.grpc.without import modules_after, run_without

BASE = str(PROTOS / "workflow.yaml")


def _with(method: str = "FindBook", arguments: Any = None, **more: Any) -> Any:
    service = {"name": more.pop("service", SERVICE), "host": "localhost", "port": 50051, **more.pop("of_service", {})}
    given = {"proto": {"endpoint": "library.proto"}, "service": service, "method": method, **more}
    return given if arguments is None else {**given, "arguments": arguments}


@pytest.mark.parametrize(
    "given",
    [
        _with(),
        _with("FindBook", {"bookTitle": "${ .title }"}),
        _with("FindBook", "${ .question }"),
        _with("AddBooks", {"books": ["${ .first }", {"bookTitle": "Emma", "authors": "${ .authors }"}]}),
        _with("${ .method }"),
        _with(service="${ .service }"),
        _with(proto={"endpoint": "${ .where }"}),
        _with(proto={"endpoint": {"uri": "https://unreachable.example/x.proto"}}, service="Nothing"),
        _with(proto={"endpoint": "not-there.proto"}),
        _with(proto={"endpoint": "grpc+reflection:"}),
        _with(of_service={"authentication": {"use": "named"}}),
    ],
)
async def test_nothing_wrong_or_nothing_known(call: GrpcCall, given: Any) -> None:
    assert await call.check(given, BASE) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (_with(service="library.v1.Shop"), "/service/name: service.name: 'library.v1.Shop' does not exist"),
        (_with("FindBok"), "/method: method: library.v1.Library has no method 'FindBok'"),
        (_with("FindBook", {"title": "${ .x }"}), "/arguments: arguments.title is no field of"),
        (_with("FindBook", {"bookTitle": 5}), "/arguments: arguments does not fit"),
        (_with("AddBooks", {"books": [{"title": "${ .x }"}]}), "/arguments: arguments.books[0].title is no field of"),
        (
            _with(of_service={"authentication": {"oauth2": {"grant": "authorization_code"}}}),
            "/service/authentication/oauth2/grant: the grant authorization_code needs a person",
        ),
    ],
)
async def test_problems_at_load(call: GrpcCall, given: Any, said: str) -> None:
    problems = await call.check(given, BASE)
    assert len(problems) == 1
    assert problems[0].startswith(said)


async def test_errors_of_the_proto_file_are_told_with_their_line(call: GrpcCall, tmp_path: Path) -> None:
    (tmp_path / "library.proto").write_text('syntax = "proto3";\nimport "nowhere.proto";\nmessage A { B b = 1; }\n')
    problems = await call.check(_with(), str(tmp_path / "workflow.yaml"))
    assert len(problems) == 1
    assert "does not compile" in problems[0]
    assert "nowhere.proto: File not found" in problems[0]
    assert "library.proto:3:13" in problems[0]
    assert f"-I{tmp_path}" not in problems[0]


def test_missing_extra_is_told_at_load_and_at_run(tmp_path: Path) -> None:
    code = """
import asyncio
from flowrt.core.effect import Effect
from flowrt.core.fault import Faulted
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients
from flowrt.effects.grpc import GrpcCall
from flowrt.effects.resources import Resources

async def main():
    authentication = Authentication(Clients())
    call = GrpcCall(Clients(), authentication, Resources(authentication))
    print(await call.check({}, None))
    try:
        await call.run(Effect("grpc", {}, "1", "/do/0/a"))
    except Faulted as error:
        print(error.fault.type.rpartition("/")[2], error.fault.detail)

asyncio.run(main())
"""
    said = "call: grpc needs the extra: pip install 'flowrt[grpc]'"
    printed = run_without(("grpc", "grpc_tools", "grpc_reflection"), code, tmp_path)
    assert printed.splitlines() == [f'["{said}"]', f"configuration {said}"]


def test_nothing_heavy_is_imported_before_a_call() -> None:
    assert not {"grpc", "grpc_tools", "google", "httpx"} & modules_after("import flowrt.effects.grpc")
