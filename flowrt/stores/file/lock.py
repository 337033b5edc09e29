"""The lock that lets one process at a time serve a file.

The system releases it when the process ends, however it ends; the process id inside is only for the message.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from flowrt.stores.protocol import StoreRefused


class ServingLock:
    """Held from `take` to `release`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raises `StoreRefused` if another process has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreRefused(
                f"{self._path.with_suffix('.lmdb')} is served by another process (pid {holder}): stop that one, "
                "or open the store for reading only"
            ) from None
        except OSError:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
