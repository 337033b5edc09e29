"""The LMDB environment: opening, transactions, growth, and what happens when the disk fails.

- A write is one transaction: applied, then committed with fsync. It is applied while the event loop stands still and
  committed while it goes on: LMDB binds a write transaction to one thread and gives up the interpreter's lock at every
  put, so applying beside a busy event loop would lose a switch interval (5 ms) at each of them.
- Reads run on the event loop, in a transaction that ends before the loop goes on. So the map can be grown between two
  writes: no transaction of this process is open then.
- After a failed write nothing is known about what the disk holds: the environment is dead for good, it never retries.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import lmdb

from flowrt.stores.file.lock import ServingLock
from flowrt.stores.protocol import StoreRefused, StoreUnavailable

Result = TypeVar("Result")
FORMAT = b"1"
_FORMAT_KEY = b"format"
_NAMES = ("meta", "ids", "records", "unfinished", "index", "seen", "outbox", "definitions")


@dataclass(frozen=True, slots=True)
class Databases:
    """The named databases of one environment."""

    meta: Any
    """Format, fencing token, last serial."""
    ids: Any
    """Id -> serial."""
    records: Any
    """Serial, kind, … -> the pieces of an instance."""
    unfinished: Any
    """Id -> entry and subscriptions."""
    index: Any
    """Kind, …, start or end time, id -> serial."""
    seen: Any
    outbox: Any
    definitions: Any


class Environment:
    """One open file."""

    databases: Databases

    def __init__(self, path: Path, map_size: int, readonly: bool) -> None:
        self.path = path
        self.readonly = readonly
        self.dead: str | None = None
        self._map_size = map_size
        self._lock = ServingLock(path.with_suffix(".lock"))
        self._env: Any = None
        self._thread: ThreadPoolExecutor | None = None
        self._turn = asyncio.Lock()

    def open(self) -> None:
        """Raises `StoreRefused` or `StoreUnavailable`."""
        self.dead = None
        try:
            if not self.readonly:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._lock.take()
            elif not self.path.exists():
                raise StoreRefused(f"{self.path} does not exist: there is nothing to read")
            self._env = self._opened()
            self._env.reader_check()
            self._check_format()
            create = not self.readonly
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="flowrt-file-store")
            self.databases = Databases(*(self._env.open_db(name.encode(), create=create) for name in _NAMES))
        except lmdb.Error as error:
            self.close()
            raise self._not_opened(error) from error
        except OSError as error:
            self.close()
            raise StoreRefused(f"{self.path} cannot be used: {error.strerror or error}") from error
        except StoreRefused:
            self.close()
            raise

    def close(self) -> None:
        """Waits for the commit in flight."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
            self._thread = None
        if self._env is not None:
            self._env.close()
            self._env = None
        self._lock.release()

    def read(self, work: Callable[[Any], Result]) -> Result:
        """The result of `work` on a snapshot."""
        env = self._usable()
        try:
            try:
                transaction = env.begin()
            except lmdb.MapResizedError:
                env.set_mapsize(0)
                transaction = env.begin()
            with transaction:
                return work(transaction)
        except lmdb.Error as error:
            raise StoreUnavailable(f"{self.path} cannot be read: {error}") from error

    async def write(self, work: Callable[[Any], Result]) -> Result:
        """Commits what `work` does, durably; nothing of it if it raises. After the map has grown, `work` runs again."""
        async with self._turn:
            while True:
                env = self._usable()
                if self.readonly:
                    raise StoreUnavailable(f"{self.path} is open for reading only")
                try:
                    return await self._write_once(env, work)
                except lmdb.MapFullError:
                    env.reader_check()
                    self._map_size = 2 * int(env.info()["map_size"])
                    env.set_mapsize(self._map_size)
                except (lmdb.Error, OSError) as error:
                    self.dead = (
                        f"{self.path} could not be written ({error}): nothing more is written to it by this process. "
                        "Make room or repair the disk, then start again"
                    )
                    raise StoreUnavailable(self.dead) from error

    async def _write_once(self, env: Any, work: Callable[[Any], Result]) -> Result:
        applied = threading.Event()
        done = asyncio.get_running_loop().run_in_executor(self._thread, _transact, env, work, applied)
        applied.wait()
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.wait([done])
            raise

    def info(self) -> dict[str, Any]:
        """LMDB's own figures."""
        found: dict[str, Any] = self._usable().info()
        return found

    def _usable(self) -> Any:
        if self.dead is not None:
            raise StoreUnavailable(self.dead)
        if self._env is None:
            raise StoreUnavailable(f"{self.path} is not open")
        return self._env

    def _opened(self) -> Any:
        # The 0.9 format is the one that every LMDB in use can read.
        return lmdb.open(
            str(self.path),
            map_size=0 if self.readonly else max(self._map_size, self._present_size()),
            subdir=False,
            readonly=self.readonly,
            create=not self.readonly,
            max_dbs=len(_NAMES),
            max_readers=512,
            mode=0o600,
        )

    def _present_size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def _check_format(self) -> None:
        with self._env.begin() as transaction:
            try:
                meta = self._env.open_db(b"meta", txn=transaction, create=False)
                found = transaction.get(_FORMAT_KEY, db=meta)
            except lmdb.NotFoundError:
                found = None
        if found is None and not self.readonly:
            meta = self._env.open_db(b"meta")
            with self._env.begin(write=True) as transaction:
                transaction.put(_FORMAT_KEY, FORMAT, db=meta)
        elif found != FORMAT:
            written = "no format mark" if found is None else f"format {found.decode(errors='replace')}"
            raise StoreRefused(
                f"{self.path} has {written}, this version reads format {FORMAT.decode()}: use the version of flowrt "
                "that wrote it, or another path"
            )

    def _not_opened(self, error: lmdb.Error) -> StoreRefused | StoreUnavailable:
        if isinstance(error, lmdb.DiskError):
            return StoreUnavailable(f"{self.path} cannot be opened: {error}")
        return StoreRefused(f"{self.path} cannot be opened: {error}. Give a path that flowrt may write to")


def _transact(env: Any, work: Callable[[Any], Result], applied: threading.Event) -> Result:
    try:
        transaction = env.begin(write=True)
        try:
            result = work(transaction)
        except BaseException:
            transaction.abort()
            raise
    finally:
        applied.set()
    transaction.commit()
    return result
