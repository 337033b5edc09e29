"""Stores in SQL databases."""

from flowrt.stores.sql.settings import SqlSettings, Tls
from flowrt.stores.sql.store import SqlStore

__all__ = ["SqlSettings", "SqlStore", "Tls"]
