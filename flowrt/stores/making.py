"""Makers: from a section of the configuration, or a URL, to a store."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from flowrt.stores.protocol import Store


def memory_store(_scheme: str, _settings: Any, _storage: Any, _application: str) -> Store:
    """Everything is lost at exit."""
    from flowrt.stores.memory import MemoryStore

    return MemoryStore()


def file_store(_scheme: str, settings: Any, storage: Any, application: str) -> Store:
    """LMDB in a folder; `settings` is its path or a `file:` URL."""
    from flowrt.stores.file import FileStore

    path = str(settings)
    if path.startswith("file:"):
        parts = urlsplit(path)
        path = unquote(parts.netloc + parts.path)
    return FileStore(path, application, compression=storage.compression)


def redis_store(_scheme: str, settings: Any, storage: Any, application: str) -> Store:
    """Redis, Valkey or Infinispan."""
    from flowrt.stores.redis import RedisSettings, RedisStore

    if not isinstance(settings, str):
        return RedisStore(RedisSettings.of(settings, storage), application)
    chosen = RedisSettings.from_url(settings)
    return RedisStore(replace(chosen, **_common(storage, "compression", "require_durable")), application)


def sql_store(scheme: str, settings: Any, storage: Any, application: str) -> Store:
    """PostgreSQL, MySQL, MariaDB, SQLite, Oracle, SQL Server."""
    from flowrt.stores.sql import SqlSettings, SqlStore

    if not isinstance(settings, str):
        return SqlStore(SqlSettings.of(scheme, settings, storage), application)
    chosen = SqlSettings.from_url(settings)
    common = _common(storage, "compression", "require_durable", "migrate_at_start")
    return SqlStore(replace(chosen, **common), application)


def _common(storage: Any, *names: str) -> dict[str, Any]:
    """What the `storage` section says of every backend, where it says something else than by default."""
    defaults = {each.name: each.default for each in fields(storage)}
    values = {name: getattr(storage, name) for name in names}
    return {name: value for name, value in values.items() if value != defaults[name]}
