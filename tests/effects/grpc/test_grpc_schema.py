"""Where the schema of a call comes from: proto files and what they import, the server's reflection, TLS or not."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

from flowrt.config.model import Config, Grpc, Http
from flowrt.core.fault import PREFIX, Faulted
from flowrt.effects.grpc import GrpcCall
from flowrt.outside import Outside
from tests.effects.grpc.conftest import EffectOf
from tests.effects.grpc.library_server import PROTOS, SERVICE, Library, serving


@pytest.mark.parametrize("proto", [None, {"endpoint": {"uri": "grpc+reflection:"}}])
@pytest.mark.parametrize("service", [SERVICE, "Library"])
async def test_reflection_describes_the_service(
    call: GrpcCall, library: Library, effect: EffectOf, proto: Any, service: str
) -> None:
    wanted = effect(library.port, "FindBook", {"bookTitle": "Emma"}, proto=proto, service=service)
    for _ in range(2):
        output = (await call.run(wanted)).output
        assert (output["bookTitle"], output["genre"]) == ("Emma", "GENRE_NOVEL")


async def test_reflection_of_version_1(call: GrpcCall, modules: tuple[Any, Any], effect: EffectOf) -> None:
    server = grpc.aio.server()
    modules[1].add_LibraryServicer_to_server(Library(modules[0]), server)
    answers = ReflectionServicer((SERVICE,))
    handler = grpc.stream_stream_rpc_method_handler(
        answers.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    handlers = {"ServerReflectionInfo": handler}
    name = "grpc.reflection.v1.ServerReflection"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        output = (await call.run(effect(port, "FindBook", {"bookTitle": "Emma"}, proto=None))).output
        assert output["bookTitle"] == "Emma"
    finally:
        await server.stop(None)


async def test_a_server_without_reflection_needs_a_proto(
    call: GrpcCall, modules: tuple[Any, Any], effect: EffectOf
) -> None:
    async with serving(modules, reflects=False) as library:
        with pytest.raises(Faulted, match=r"no reflection; give its proto file in proto\.endpoint") as caught:
            await call.run(effect(library.port, "FindBook", proto=None))
    assert caught.value.fault.type == PREFIX + "configuration"


async def test_imports_may_begin_at_a_root_above_the_file(
    call: GrpcCall, library: Library, effect: EffectOf, tmp_path: Path
) -> None:
    folder = tmp_path / "library" / "v1"
    folder.mkdir(parents=True)
    shutil.copy(PROTOS / "common" / "genre.proto", folder)
    text = (PROTOS / "library.proto").read_text()
    (folder / "library.proto").write_text(text.replace("common/genre.proto", "library/v1/genre.proto"))
    proto = {"endpoint": {"uri": "library/v1/library.proto"}}
    output = (await call.run(effect(library.port, "FindBook", proto=proto, folder=tmp_path))).output
    assert output["genre"] == "GENRE_NOVEL"


async def test_imports_never_leave_the_folder(
    call: GrpcCall, library: Library, effect: EffectOf, tmp_path: Path
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.proto").write_text('syntax = "proto3"; message Secret {}')
    (inner / "library.proto").write_text('syntax = "proto3";\nimport "../secret.proto";\n')
    with pytest.raises(Faulted, match="does not compile"):
        await call.run(effect(library.port, "FindBook", folder=inner))


async def test_a_changed_file_is_noticed_and_schemas_never_meet(
    call: GrpcCall, library: Library, effect: EffectOf, tmp_path: Path
) -> None:
    shutil.copytree(PROTOS, tmp_path, dirs_exist_ok=True)
    wanted = effect(library.port, "FindBook", {"bookTitle": "Emma"}, folder=tmp_path)
    assert (await call.run(wanted)).output["bookTitle"] == "Emma"
    text = (PROTOS / "library.proto").read_text()
    (tmp_path / "library.proto").write_text(text.replace("book_title", "name"))
    with pytest.raises(Faulted, match=r"bookTitle is no field of .*its fields are: name"):
        await call.run(wanted)
    output = (await call.run(effect(library.port, "FindBook", {"name": "Emma"}, folder=tmp_path))).output
    assert output["name"] == "Emma"
    assert (await call.run(effect(library.port, "FindBook"))).output["bookTitle"] == ""


@pytest.fixture
async def trusting(tmp_path: Path) -> AsyncIterator[tuple[GrpcCall, trustme.CA]]:
    """An adapter of a configuration: its client trusts an authority of the test's own, and localhost speaks TLS."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    client = {"tls": {"ca-file": str(tmp_path / "ca.pem")}}
    config = Config(http=Http(clients={"default": client}), grpc=Grpc(tls_servers=("localhost:*",)))
    outside = Outside(config, trusted=False)
    call = outside.factories()["grpc"]()
    assert isinstance(call, GrpcCall)
    yield call, authority
    await call.close()
    await outside.clients.close()


def _credentials(authority: trustme.CA, *, asks: bool = False) -> grpc.ServerCredentials:
    issued = authority.issue_cert("localhost", "127.0.0.1")
    chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
    roots = authority.cert_pem.bytes() if asks else None
    return grpc.ssl_server_credentials([(issued.private_key_pem.bytes(), chain)], roots, asks)


@pytest.mark.parametrize("how", [{"options": {"tls": True}}, {"host": "localhost"}])
async def test_tls(
    trusting: tuple[GrpcCall, trustme.CA], modules: tuple[Any, Any], effect: EffectOf, how: dict[str, Any]
) -> None:
    call, authority = trusting
    async with serving(modules, _credentials(authority)) as library:
        output = (await call.run(effect(library.port, "FindBook", {"bookTitle": "Emma"}, **how))).output
        assert output["bookTitle"] == "Emma"


async def test_a_certificate_is_shown_over_tls(
    trusting: tuple[GrpcCall, trustme.CA], modules: tuple[Any, Any], effect: EffectOf
) -> None:
    call, authority = trusting
    mine = authority.issue_cert("workflow@example.org")
    pem = mine.private_key_and_cert_chain_pem.bytes().decode()
    async with serving(modules, _credentials(authority, asks=True)) as library:
        policy = {"certificate": {"certificate": pem, "key": pem}}
        output = (await call.run(effect(library.port, "FindBook", {"bookTitle": "Emma"}, authentication=policy))).output
        assert output["bookTitle"] == "Emma"
        with pytest.raises(Faulted) as caught:
            await call.run(effect(library.port, "FindBook", options={"tls": True}))
        assert caught.value.fault.status == 503


async def test_an_untrusted_server_is_communication_503(
    call: GrpcCall, modules: tuple[Any, Any], effect: EffectOf
) -> None:
    async with serving(modules, _credentials(trustme.CA())) as library:
        with pytest.raises(Faulted) as caught:
            await call.run(effect(library.port, "FindBook", options={"tls": True}))
    assert (caught.value.fault.type, caught.value.fault.status) == (PREFIX + "communication", 503)
