"""TLS, client certificates, HTTP/2 and proxies."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived

from flowrt.core.effect import Effect
from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.auth import Authentication
from flowrt.effects.client import ClientCertificate, Clients, ClientSettings, Request, Tls
from flowrt.effects.client import exchange as exchange_module
from flowrt.effects.http import HttpCall
from tests.effects.http.local_web import Web, answer, listening

CLIENT_NAME = "runtime@example.com"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture
async def secure(authority: trustme.CA) -> AsyncIterator[Web]:
    async with Web(server_context(authority), on={"/x": answer(200, "in")}) as web:
        yield web


@pytest.fixture
async def mutual(authority: trustme.CA) -> AsyncIterator[Web]:
    """Talks only to those who show a certificate of the authority."""
    context = server_context(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    # With TLS 1.3 the refusal comes after the handshake and may be lost with the connection.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with Web(context, on={"/x": answer(200, "known")}) as web:
        yield web


async def fault_of(settings: ClientSettings, url: str) -> Fault:
    clients = Clients(settings)
    with pytest.raises(Faulted) as caught:
        await clients.send(Request("GET", url))
    await clients.close()
    return caught.value.fault


async def status_of(settings: ClientSettings, url: str) -> int:
    clients = Clients(settings)
    response = await clients.send(Request("GET", url))
    await clients.close()
    return response.status


async def test_unknown_authorities_are_not_trusted(secure: Web) -> None:
    fault = await fault_of(ClientSettings(), f"{secure.url}/x")
    assert (fault.type, fault.status) == (PREFIX + "communication", 503)
    assert "CERTIFICATE_VERIFY_FAILED" in (fault.detail or "")


async def test_own_authority_and_no_verification(secure: Web, ca_file: str) -> None:
    assert await status_of(ClientSettings(tls=Tls(ca_file=ca_file)), f"{secure.url}/x") == 200
    assert await status_of(ClientSettings(tls=Tls(verify=False)), f"{secure.url}/x") == 200


async def test_names_are_checked_though_addresses_are_connected_to(secure: Web, ca_file: str) -> None:
    settings = ClientSettings(tls=Tls(ca_file=ca_file))
    assert await status_of(settings, f"https://localhost:{secure.port}/x") == 200
    fault = await fault_of(settings, f"https://127.0.0.2:{secure.port}/x")
    assert fault.status == 503


@pytest.mark.parametrize("path", ["gone.pem", "empty.pem"])
async def test_an_unusable_ca_file(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty.pem").touch()
    fault = await fault_of(ClientSettings(tls=Tls(ca_file=str(tmp_path / path))), "https://127.0.0.1:9/")
    assert (fault.type, fault.status) == (PREFIX + "configuration", 400)
    assert path in (fault.detail or "")


class Identity:
    """A client's certificate as PEM texts and as files."""

    def __init__(self, authority: trustme.CA, folder: Path) -> None:
        issued = authority.issue_cert(CLIENT_NAME)
        self.certificate = b"".join(each.bytes() for each in issued.cert_chain_pems).decode()
        self.key = issued.private_key_pem.bytes().decode()
        private = serialization.load_pem_private_key(self.key.encode(), None)
        self.locked_key = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        ).decode()
        self.certificate_path, self.key_path = folder / "me.pem", folder / "me.key"
        self.certificate_path.write_text(self.certificate)
        self.key_path.write_text(self.key)


@pytest.fixture
def identity(authority: trustme.CA, tmp_path: Path) -> Identity:
    return Identity(authority, tmp_path)


async def call(mutual: Web, ca_file: str, policy: dict[str, Any]) -> Any:
    clients = Clients(ClientSettings(tls=Tls(ca_file=ca_file)))
    adapter = HttpCall(clients, Authentication(clients))
    arguments = {"method": "get", "endpoint": f"{mutual.url}/x", "authentication": {"certificate": policy}}
    try:
        return (await adapter.run(Effect("http", arguments, "01J", "/do/0/x"))).output
    finally:
        await clients.close()


async def test_certificate_policies(mutual: Web, ca_file: str, identity: Identity) -> None:
    policies = [
        {"certificate": identity.certificate, "key": identity.key},
        {"certificate": str(identity.certificate_path), "key": str(identity.key_path)},
        {"cert": identity.certificate + identity.key},
        {"certificate": identity.certificate, "key": identity.locked_key, "passphrase": "open sesame"},
    ]
    assert [await call(mutual, ca_file, policy) for policy in policies] == ["known"] * 4


async def test_certificate_of_the_client_itself(mutual: Web, ca_file: str, identity: Identity) -> None:
    tls = Tls(ca_file=ca_file, cert_file=str(identity.certificate_path), key_file=str(identity.key_path))
    assert await status_of(ClientSettings(tls=tls), f"{mutual.url}/x") == 200
    assert (await fault_of(ClientSettings(tls=Tls(ca_file=ca_file)), f"{mutual.url}/x")).status == 503


async def test_unusable_certificates(mutual: Web, ca_file: str, identity: Identity, authority: trustme.CA) -> None:
    other = authority.issue_cert("other@example.com").private_key_pem.bytes().decode()
    policies = [
        {"certificate": "/nowhere/me.pem"},
        {"certificate": identity.certificate},
        {"certificate": identity.certificate, "key": other},
        {"certificate": identity.certificate, "key": identity.locked_key},
        {"certificate": identity.certificate, "key": identity.locked_key, "passphrase": "open barley"},
        {"certificate": "-----BEGIN CERTIFICATE-----\nä\n-----END CERTIFICATE-----", "key": identity.key},
    ]
    for policy in policies:
        with pytest.raises(Faulted) as caught:
            await call(mutual, ca_file, policy)
        assert (caught.value.fault.type, caught.value.fault.status) == (PREFIX + "configuration", 400)
        assert "BEGIN" not in str(caught.value)
        assert "barley" not in str(caught.value)


async def test_identities_do_not_share_connections(mutual: Web, ca_file: str, authority: trustme.CA) -> None:
    clients = Clients(ClientSettings(tls=Tls(ca_file=ca_file)))
    authentication = Authentication(clients)
    for _ in range(2):
        for number in range(2):
            issued = authority.issue_cert(f"u{number}@example.com")
            policy = {"certificate": {"certificate": issued.private_key_and_cert_chain_pem.bytes().decode()}}
            await authentication.send(Request("GET", f"{mutual.url}/x"), policy)
    assert mutual.connections == 4
    await clients.close()


async def test_clients_of_many_certificates_are_bounded(
    mutual: Web, ca_file: str, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_module, "_MOST_CLIENTS", 2)
    clients = Clients(ClientSettings(tls=Tls(ca_file=ca_file)))
    issued = [
        authority.issue_cert(f"u{n}@example.com").private_key_and_cert_chain_pem.bytes().decode() for n in range(3)
    ]
    identities = [ClientCertificate(each) for each in issued]
    for number in (0, 1, 1, 2, 1, 0):
        await clients.send(Request("GET", f"{mutual.url}/x", certificate=identities[number]))
    assert mutual.connections == 4
    await asyncio.gather(
        *(clients.send(Request("GET", f"{mutual.url}/x", certificate=each)) for each in identities for _ in range(3))
    )
    await clients.close()


async def test_http2(authority: trustme.CA, ca_file: str) -> None:
    context = server_context(authority)
    context.set_alpn_protocols(["h2"])

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = H2Connection(H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, RequestReceived):
                    connection.send_headers(event.stream_id, [(":status", "404"), ("content-type", "text/plain")])
                    connection.send_data(event.stream_id, b"two", end_stream=True)
            writer.write(connection.data_to_send())

    async with listening(talk, context) as port:
        clients = Clients(ClientSettings(tls=Tls(ca_file=ca_file), http2=True))
        responses = await asyncio.gather(
            *(clients.send(Request("GET", f"https://127.0.0.1:{port}/{n}")) for n in range(5))
        )
        await clients.close()
    assert {(each.status, each.reason, each.content) for each in responses} == {(404, "Not Found", b"two")}


async def test_proxy(web: Web) -> None:
    web.on["/x"] = answer(200, "by proxy")
    settings = ClientSettings(proxy=web.url.replace("http://", "http://me:pw@"))
    clients = Clients(settings)
    response = await clients.send(Request("GET", "http://somewhere.test/x"))
    assert response.content == b'"by proxy"'
    assert web.asked[0].target == "http://somewhere.test/x"
    assert web.asked[0].header("proxy-authorization") == "Basic bWU6cHc="
    for forbidden in ("http://169.254.169.254/", "http://metadata.google.internal/"):
        with pytest.raises(Faulted, match="deny-link-local"):
            await clients.send(Request("GET", forbidden))
    await clients.close()
    assert "pw" not in repr(settings)


async def test_a_proxy_that_is_down() -> None:
    fault = await fault_of(ClientSettings(proxy="http://127.0.0.1:9"), "http://somewhere.test/x")
    assert fault.status == 503
