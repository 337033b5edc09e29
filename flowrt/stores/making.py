"""Makers: from a section of the configuration, or a URL, to a store."""

from __future__ import annotations

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
    return FileStore(path, application)


def redis_store(_scheme: str, settings: Any, storage: Any, application: str) -> Store:
    """Redis, Valkey or Infinispan."""
    from flowrt.stores.redis import RedisSettings, RedisStore

    if isinstance(settings, str):
        return RedisStore.from_url(settings, application)
    return RedisStore(RedisSettings.of(settings, storage), application)


def sql_store(scheme: str, settings: Any, storage: Any, application: str) -> Store:
    """PostgreSQL, MySQL, MariaDB, SQLite, Oracle, SQL Server."""
    from flowrt.stores.sql import SqlSettings, SqlStore

    if isinstance(settings, str):
        return SqlStore.from_url(settings, application)
    return SqlStore(SqlSettings.of(scheme, settings, storage), application)
