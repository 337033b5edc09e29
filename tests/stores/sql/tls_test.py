"""Encrypted connections: the authority's certificate is trusted, another's is not, and a plain server is refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from flowrt.stores.protocol import StoreRefused, StoreUnavailable
from flowrt.stores.sql import SqlSettings, SqlStore, Tls
from tests.servers import homes
from tests.servers.certificates import Certificate, self_made
from tests.servers.fixtures import StartServer
from tests.servers.mariadb import MariaDB
from tests.servers.postgres import Postgres
from tests.stores.sql.contract import execute


@pytest.fixture
def certificate() -> Iterator[Certificate]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        made = self_made(folder)
        if os.geteuid() == 0:
            # PostgreSQL runs as another user then, who must be able to read its key.
            for each in (folder, *folder.iterdir()):
                shutil.chown(each, homes.UNPRIVILEGED)
        yield made


@pytest.fixture
def other_authority(tmp_path: Path) -> str:
    return str(self_made(tmp_path).authority)


def encrypted_postgres(certificate: Certificate) -> Postgres:
    files = (f"ssl_cert_file = '{certificate.certificate}'", f"ssl_key_file = '{certificate.key}'")
    return Postgres(settings=["ssl = on", *files])


def encrypted_mariadb(certificate: Certificate) -> MariaDB:
    return MariaDB(settings=[f"--ssl-cert={certificate.certificate}", f"--ssl-key={certificate.key}"])


@pytest.mark.parametrize("make", [encrypted_postgres, encrypted_mariadb])
async def test_an_encrypted_connection(
    make: object, certificate: Certificate, other_authority: str, start_server: StartServer
) -> None:
    assert callable(make)
    server = start_server(make(certificate))
    plain = replace(SqlSettings.from_url(server.url), migrate_at_start=True)
    for tls in (
        Tls("require"),
        Tls("verify-full", str(certificate.authority)),
        Tls("verify-ca", str(certificate.authority)),
    ):
        store = SqlStore(replace(plain, tls=tls), "orders")
        await store.open()
        if plain.dialect == "postgresql":
            assert await execute(store, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [(True,)]
        else:
            [(_, cipher)] = await execute(store, "SHOW STATUS LIKE 'Ssl_cipher'")
            assert cipher
        await store.close()
    with pytest.raises(StoreUnavailable, match=r"(?i)certificate"):
        await SqlStore(replace(plain, tls=Tls("verify-full", other_authority)), "orders").open()
    elsewhere = replace(plain, host="127.0.0.2", tls=Tls("verify-full", str(certificate.authority)))
    with pytest.raises(StoreUnavailable):
        await SqlStore(elsewhere, "orders").open()


async def test_a_server_without_encryption(postgres_server: Postgres) -> None:
    settings = replace(SqlSettings.from_url(postgres_server.url), tls=Tls("require"))
    with pytest.raises(StoreUnavailable, match=r"(?i)ssl"):
        await SqlStore(settings, "orders").open()


async def test_certificate_files_that_are_not_there(postgres_server: Postgres) -> None:
    settings = replace(SqlSettings.from_url(postgres_server.url), tls=Tls("verify-full", "/nowhere/ca.pem"))
    with pytest.raises(StoreRefused, match=r"/nowhere/ca\.pem"):
        await SqlStore(settings, "orders").open()
