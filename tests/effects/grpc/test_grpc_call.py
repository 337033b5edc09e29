"""`call: grpc` against a real server: the four kinds of methods, JSON, metadata, faults, cancellation."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from typing import Any

import pytest

from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.grpc import GrpcCall
from tests.effects.grpc.conftest import EffectOf
from tests.effects.grpc.library_server import Library


async def _output(call: GrpcCall, effect: Any) -> Any:
    return (await call.run(effect)).output


async def _fault(call: GrpcCall, effect: Any) -> Fault:
    with pytest.raises(Faulted) as caught:
        await call.run(effect)
    return caught.value.fault


async def test_unary_call_maps_messages_as_protojson(call: GrpcCall, library: Library, effect: EffectOf) -> None:
    output = await _output(call, effect(library.port, "FindBook", {"bookTitle": "Emma"}))
    assert output == {
        "bookTitle": "Emma",
        "copiesSold": "9007199254740993",
        "inPrint": False,
        "genre": "GENRE_NOVEL",
        "authors": [],
        "tags": {},
        "cover": base64.b64encode(b"\x00\xff").decode(),
    }


@pytest.mark.parametrize("name", ["bookTitle", "book_title"])
async def test_arguments_have_json_or_proto_names(
    call: GrpcCall, library: Library, effect: EffectOf, name: str
) -> None:
    output = await _output(call, effect(library.port, "FindBook", {name: "Emma"}))
    assert output["bookTitle"] == "Emma"


async def test_no_arguments_are_an_empty_message(call: GrpcCall, library: Library, effect: EffectOf) -> None:
    output = await _output(call, effect(library.port, "FindBook"))
    assert output["bookTitle"] == ""


async def test_server_stream_is_an_array_in_order(call: GrpcCall, library: Library, effect: EffectOf) -> None:
    output = await _output(call, effect(library.port, "ListBooks", {"bookTitle": "Volume"}))
    assert [book["bookTitle"] for book in output] == ["Volume 0", "Volume 1", "Volume 2"]


BOOKS = [{"bookTitle": "Emma"}, {"bookTitle": "Ulysses", "printedAt": "1922-02-02T00:00:00Z", "tags": {"a": "b"}}]


@pytest.mark.parametrize(
    ("arguments", "titles"),
    [
        (BOOKS, ["Emma", "Ulysses"]),
        ({"messages": BOOKS}, ["Emma", "Ulysses"]),
        (BOOKS[0], ["Emma"]),
        ({"authors": [{"fullName": "J"}]}, [""]),
        ([], []),
        (None, []),
    ],
)
async def test_client_stream_takes_an_array(
    call: GrpcCall, library: Library, effect: EffectOf, arguments: Any, titles: list[str]
) -> None:
    output = await _output(call, effect(library.port, "AddBooks", arguments))
    assert output == {"count": len(titles), "titles": titles}


async def test_bidirectional_stream_is_arrays_both_ways(call: GrpcCall, library: Library, effect: EffectOf) -> None:
    arguments = {"questions": [{"bookTitle": "a"}, {"bookTitle": "b"}]}
    output = await _output(call, effect(library.port, "Converse", arguments))
    assert [book["bookTitle"] for book in output] == ["A", "B"]


async def test_service_may_be_named_by_its_last_part(call: GrpcCall, library: Library, effect: EffectOf) -> None:
    output = await _output(call, effect(library.port, "FindBook", {"bookTitle": "Emma"}, service="Library"))
    assert output["bookTitle"] == "Emma"


async def test_metadata_identify_the_call(call: GrpcCall, library: Library, effect: EffectOf) -> None:
    wanted = effect(library.port, "Metadata")
    first, second = await _output(call, wanted), await _output(call, wanted)
    assert first["idempotency-key"] == "01J/do/0/k%C3%A4se/0/0"
    assert first["x-flow-instance-id"] == "01J"
    assert first["x-flow-task-id"] == "/do/0/k%C3%A4se"
    assert first["traceparent"] == second["traceparent"]
    assert first["user-agent"].startswith("flowrt")


@pytest.mark.parametrize(
    ("policy", "header", "shown"),
    [
        ({"bearer": {"token": "t0ken"}}, "Bearer t0ken", {"scheme": "Bearer", "parameter": "t0ken"}),
        (
            {"basic": {"username": "ann", "password": "pass"}},
            "Basic YW5uOnBhc3M=",
            {"scheme": "Basic", "parameter": "YW5uOnBhc3M="},
        ),
    ],
)
async def test_credentials_are_metadata(
    call: GrpcCall, library: Library, effect: EffectOf, policy: Any, header: str, shown: dict[str, str]
) -> None:
    library.password = header
    outcome = await call.run(effect(library.port, "FindBook", {"bookTitle": "Emma"}, authentication=policy))
    assert outcome.output["bookTitle"] == "Emma"
    assert outcome.authorization == shown


async def test_missing_credentials_are_an_authentication_fault(
    call: GrpcCall, library: Library, effect: EffectOf
) -> None:
    library.password = "Bearer t0ken"
    fault = await _fault(call, effect(library.port, "FindBook"))
    assert (fault.type, fault.status) == (PREFIX + "authentication", 401)


@pytest.mark.parametrize(
    ("code", "kind", "status"),
    [
        ("NOT_FOUND", "communication", 404),
        ("INVALID_ARGUMENT", "communication", 400),
        ("ALREADY_EXISTS", "communication", 409),
        ("RESOURCE_EXHAUSTED", "communication", 429),
        ("UNAVAILABLE", "communication", 503),
        ("DEADLINE_EXCEEDED", "communication", 504),
        ("UNIMPLEMENTED", "communication", 501),
        ("INTERNAL", "communication", 500),
        ("CANCELLED", "communication", 499),
        ("UNAUTHENTICATED", "authentication", 401),
        ("PERMISSION_DENIED", "authorization", 403),
    ],
)
async def test_status_codes_are_faults(
    call: GrpcCall, library: Library, effect: EffectOf, code: str, kind: str, status: int
) -> None:
    fault = await _fault(call, effect(library.port, "Fail", {"code": code, "message": "no such book"}))
    assert (fault.type, fault.status) == (PREFIX + kind, status)
    assert fault.detail == f"library.v1.Library/Fail at 127.0.0.1:{library.port}: {code}: no such book"


async def test_unreachable_server_is_communication_503(call: GrpcCall, effect: EffectOf) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        fault = await _fault(call, effect(unused.getsockname()[1], "FindBook"))
    assert (fault.type, fault.status) == (PREFIX + "communication", 503)


async def test_link_local_hosts_are_refused(call: GrpcCall, effect: EffectOf) -> None:
    fault = await _fault(call, effect(80, "FindBook", host="169.254.169.254"))
    assert (fault.type, fault.status) == (PREFIX + "authorization", 403)


async def test_cancelling_the_task_cancels_the_call(call: GrpcCall, library: Library, effect: EffectOf) -> None:
    running = asyncio.create_task(call.run(effect(library.port, "Hang")))
    await asyncio.wait_for(library.hanging.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.wait_for(library.cancelled.wait(), 5)


async def test_deadline_travels_to_the_server_a_little_later(
    call: GrpcCall, library: Library, effect: EffectOf
) -> None:
    await call.run(effect(library.port, "FindBook", deadline_at=time.time() + 20))
    assert library.remaining_s is not None
    assert 18 < library.remaining_s < 21


async def test_a_passed_deadline_is_communication_504(call: GrpcCall, library: Library, effect: EffectOf) -> None:
    fault = await _fault(call, effect(library.port, "Hang", deadline_at=time.time() - 1))
    assert (fault.type, fault.status) == (PREFIX + "communication", 504)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"title": "x"}, "arguments.title is no field of library.v1.FindBookRequest; its fields are: bookTitle"),
        ({"bookTitle": 5}, "arguments does not fit library.v1.FindBookRequest"),
        ("x", "arguments must be an object with the fields of library.v1.FindBookRequest"),
    ],
)
async def test_arguments_that_do_not_fit_are_a_validation_fault(
    call: GrpcCall, library: Library, effect: EffectOf, arguments: Any, said: str
) -> None:
    fault = await _fault(call, effect(library.port, "FindBook", arguments))
    assert (fault.type, fault.status) == (PREFIX + "validation", 400)
    assert said in (fault.detail or "")


async def test_nested_unknown_field_is_named(call: GrpcCall, library: Library, effect: EffectOf) -> None:
    fault = await _fault(call, effect(library.port, "AddBooks", [{"authors": [{"name": "J"}]}]))
    assert fault.detail == "arguments[0].authors[0].name is no field of library.v1.Author; its fields are: fullName"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"service": "library.v1.Shop"}, "service.name: 'library.v1.Shop' does not exist"),
        ({"service": "library.v1.Shop"}, "has the services: library.v1.Library"),
        ({"method": "FindBok"}, "library.v1.Library has no method 'FindBok'; its methods are: FindBook, ListBooks"),
    ],
)
@pytest.mark.parametrize("proto", [{"endpoint": {"uri": "library.proto"}}, None])
async def test_unknown_service_or_method_names_what_exists(
    call: GrpcCall, library: Library, effect: EffectOf, change: dict[str, str], said: str, proto: Any
) -> None:
    method = change.get("method", "FindBook")
    wanted = effect(library.port, method, service=change.get("service", "library.v1.Library"), proto=proto)
    fault = await _fault(call, wanted)
    assert (fault.type, fault.status) == (PREFIX + "configuration", 400)
    assert said in (fault.detail or "")
