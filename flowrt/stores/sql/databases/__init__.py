"""The SQL databases: one file and one line in the table each. Their drivers are imported when one is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from flowrt.stores.protocol import StoreRefused
from flowrt.stores.sql.dialect import Dialect

_PACKAGE = "flowrt.stores.sql.databases"
DATABASES: Mapping[str, str] = {
    "sqlite": "Sqlite",
    "postgresql": "Postgresql",
    "mysql": "Mysql",
    "oracle": "Oracle",
    "mssql": "Mssql",
}


def dialect(name: str) -> Dialect:
    """What is particular to a database. Raises `StoreRefused` when it, or its driver, is missing."""
    if name not in DATABASES:
        raise StoreRefused(f"'{name}' is no SQL database known here; use one of {', '.join(DATABASES)}")
    try:
        found: Dialect = getattr(import_module(f"{_PACKAGE}.{name}"), DATABASES[name])()
    except ModuleNotFoundError as error:
        raise StoreRefused(f"the {name} store needs {error.name}: pip install 'flowrt[{name}]'") from error
    return found
