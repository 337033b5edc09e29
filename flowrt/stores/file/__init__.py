"""The file store: one LMDB file per application, served by one process, readable by others."""

from flowrt.stores.file.store import FileStore

__all__ = ["FileStore"]
