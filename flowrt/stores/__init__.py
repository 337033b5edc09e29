"""Stores: one backend each behind `Store` (protocol.py). `STORES` is the table of them: URL scheme -> its maker."""

from __future__ import annotations

STORES: dict[str, str] = {
    "file": "flowrt.stores.making:file_store",
    "memory": "flowrt.stores.making:memory_store",
    "redis": "flowrt.stores.making:redis_store",
    "postgresql": "flowrt.stores.making:sql_store",
    "mysql": "flowrt.stores.making:sql_store",
    "sqlite": "flowrt.stores.making:sql_store",
    "oracle": "flowrt.stores.making:sql_store",
    "mssql": "flowrt.stores.making:sql_store",
}
