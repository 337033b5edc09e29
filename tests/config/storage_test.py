"""The backend of the store: exactly one, and the last one named wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrt.assemble import store_settings
from flowrt.config import ConfigProblem, load
from flowrt.stores.redis import RedisSettings


def files(folder: Path, *texts: str) -> list[Path]:
    paths = [folder / f"{number}.yml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def kind(folder: Path, *texts: str, flag: str | None = None, **environment: str) -> str:
    found = load(files(folder, *texts), {"storage.url": flag}, environment)
    return store_settings(found.config.storage)[0]


def test_without_any_it_is_a_file(tmp_path: Path) -> None:
    assert kind(tmp_path) == "file"
    assert kind(tmp_path, "storage: {compression: gzip}") == "file"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("storage: {file: {path: x}}", "file"),
        ("storage: {inMemory: }", "memory"),
        ("storage: {inMemory: {}}", "memory"),
        ("storage: {postgres: }", "postgresql"),
        ("storage: {redis: {host: a}}", "redis"),
        ("storage: {url: 'mariadb://a/b'}", "mysql"),
        ("storage: {url: 'rediss://a'}", "redis"),
    ],
)
def test_a_section_or_a_url(text: str, expected: str, tmp_path: Path) -> None:
    assert kind(tmp_path, text) == expected


def test_two_in_one_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem, match=r"0\.yml: 'storage' has the backends redis, postgres; keep exactly one"):
        kind(tmp_path, "storage: {redis: {}, postgres: {}}")
    environment = {"FLOWRT_STORAGE_URL": "memory://", "FLOWRT_STORAGE_REDIS_HOST": "a"}
    with pytest.raises(ConfigProblem, match="'storage' has the backends redis, url"):
        kind(tmp_path, **environment)


def test_a_later_one_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    base = "storage: {file: {path: x}, compression: gzip}"
    production = "storage: {postgres: {host: db}}"
    assert kind(tmp_path, base, production) == "postgresql"
    assert kind(tmp_path, base, production, FLOWRT_STORAGE_REDIS_HOST="cache") == "redis"
    assert kind(tmp_path, base, production, FLOWRT_STORAGE_URL="memory://") == "memory"
    found = load(files(tmp_path, base, production), {"storage.url": "sqlite:///x.db"}, {})
    assert store_settings(found.config.storage) == ("sqlite", "sqlite:///x.db")
    assert found.config.storage.compression == "gzip"
    assert found.config.storage.postgres is None
    assert [key for key in found.origins if key.startswith("storage")] == ["storage.compression", "storage.url"]


def test_the_same_one_is_merged(tmp_path: Path) -> None:
    texts = ("storage: {redis: {host: a, database: 3}}", "storage: {redis: {password: p}}", "storage: {redis: {}}")
    found = load(files(tmp_path, *texts), environment={"FLOWRT_STORAGE_REDIS_PORT": "7000"}).config.storage.redis
    assert found is not None
    assert (found.host, found.database, found.password, found.port) == ("a", 3, "p", 7000)


def test_a_section_says_what_a_url_says(tmp_path: Path) -> None:
    section = (
        "storage: {redis: {host: cache, port: 7000, username: me, password: p, timeout: 500, ssl: true, ca: /ca.pem,"
        " replicas: 2, cluster: true, poolConfig: {maxTotal: 9, maxIdle: 4, minIdle: 1}}, compression: gzip}"
    )
    url = (
        "rediss://me:p@cache:7000/0?timeout=500&ca=/ca.pem&replicas=2&cluster=true&maxTotal=9&maxIdle=4&minIdle=1"
        "&compression=gzip"
    )
    storage = load(files(tmp_path, section), {}, {}).config.storage
    assert RedisSettings.of(storage.redis, storage) == RedisSettings.from_url(url)
