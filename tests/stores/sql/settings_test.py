"""Settings of SQL stores: what a URL and the configuration say, and what is refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.config.storage import SqliteStorage, SqlStorage, Storage
from flowrt.stores.protocol import StoreRefused
from flowrt.stores.sql import SqlSettings, Tls

_HOST = {"dialect": "postgresql", "database": "d", "port": 5432}


def test_a_url_says_everything() -> None:
    url = "postgresql://us%40er:p%3Aw@db.example:6543/orders?schema=s&maximumPoolSize=3&minimumIdle=1&idleTimeout=7"
    url += "&connectionTimeout=8&maxLifetime=9&statementTimeout=10&sslmode=verify-ca&sslrootcert=/ca.pem"
    url += "&preparedStatements=false&migrateAtStart=true&requireDurable=true&compression=gzip"
    assert SqlSettings.from_url(url) == SqlSettings(
        "postgresql",
        "orders",
        "db.example",
        6543,
        "us@er",
        "p:w",
        "s",
        3,
        1,
        7,
        8,
        9,
        10,
        Tls("verify-ca", "/ca.pem"),
        False,
        True,
        True,
        "gzip",
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://h", ("postgresql", "h", 5432, "postgres", "flowrt", False)),
        ("postgres://h/x?schema=", ("postgresql", "h", 5432, "x", None, False)),
        ("mysql://h", ("mysql", "h", 3306, "flowrt", None, False)),
        ("mariadb://h/y", ("mysql", "h", 3306, "y", None, False)),
        ("oracle://h/svc", ("oracle", "h", 1521, "svc", None, False)),
        ("mssql://h", ("mssql", "h", 1433, "flowrt", None, False)),
        ("sqlite:///a/b.db", ("sqlite", "localhost", 0, "a/b.db", None, True)),
        ("sqlite:////a/b.db", ("sqlite", "localhost", 0, "/a/b.db", None, True)),
    ],
)
def test_what_a_url_leaves_out(url: str, expected: tuple[object, ...]) -> None:
    made = SqlSettings.from_url(url)
    assert (made.dialect, made.host, made.port, made.database, made.schema, made.migrates) == expected


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mongodb://h", "no SQL store"),
        ("sqlite://", "needs a path"),
        ("sqlite://host/x", "needs a path"),
        ("postgresql://h:99999/x", "port"),
        ("postgresql://h:0/x", None),
        ("postgresql://h/x?maximumPollSize=3", "did you mean 'maximumPoolSize'"),
        ("postgresql://h/x?maximumPoolSize=0", "positive whole number"),
        ("postgresql://h/x?maximumPoolSize=many", "positive whole number"),
        ("postgresql://h/x?migrateAtStart=yes", "true or false"),
        ("postgresql://h/x?sslmode=maybe", "verify-full"),
        ("postgresql://h/x?compression=zip", "bzip2"),
        ("mysql://h/x?schema=s", "no schema"),
    ],
)
def test_a_wrong_url_is_refused(url: str, reason: str | None) -> None:
    if reason is None:
        assert SqlSettings.from_url(url).port == 5432
        return
    with pytest.raises(StoreRefused, match=reason):
        SqlSettings.from_url(url)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"host": " "}, "host"),
        ({"database": ""}, "database"),
        ({"port": 0}, "port"),
        ({"port": 70000}, "70000"),
        ({"maximum_pool_size": 0}, "maximumPoolSize"),
    ],
)
def test_wrong_settings_are_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(StoreRefused, match=reason):
        SqlSettings(**{**_HOST, **change})


def test_the_configuration_says_the_same() -> None:
    section = SqlStorage(host="h", username="u", password="p", ssl=True, ca="/ca", maximum_pool_size=4)
    storage = Storage(postgres=section, compression="deflate", migrate_at_start=True)
    made = SqlSettings.of("postgresql", section, storage)
    assert (made.database, made.schema, made.port, made.tls) == ("postgres", "flowrt", 5432, Tls("verify-full", "/ca"))
    assert (made.maximum_pool_size, made.compression, made.migrates) == (4, "deflate", True)
    assert SqlSettings.of("mysql", SqlStorage(), Storage()).database == "flowrt"
    assert SqlSettings.of("sqlite", SqliteStorage("x.db"), Storage()) == SqlSettings("sqlite", "x.db")


def test_the_password_is_not_shown() -> None:
    made = SqlSettings.from_url("postgresql://u:hush@h/x")
    assert "hush" not in f"{made!r} {made} {made.place} {made.url}"
