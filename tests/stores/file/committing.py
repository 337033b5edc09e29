"""A process that commits without end and says what was acknowledged; the tests kill it, or take its disk away."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from pathlib import Path

from flowrt.stores.file import FileStore
from flowrt.stores.protocol import Batch, StoreUnavailable
from tests.stores.checkpoints import checkpoint, entry, record

INSTANCES = 8


def batch(revision: int) -> Batch:
    """All instances move together, each with a completed task and a state that comes and goes."""
    status = "waiting" if revision % 2 else "running"
    live = {("/do", 0): ({"sequence": 1} if revision == 1 else None, {"attempt": revision})}
    checkpoints = [
        checkpoint(
            entry(f"i{n}", status),
            revision,
            live=live,
            history=[("", record(f"/do/{revision}", output="x" * 200))],
            outbox=[{"source": "/s", "id": f"{n}-{revision}"}],
        )
        for n in range(INSTANCES)
    ]
    return Batch(checkpoints, sent=[("/s", f"{n}-{revision - 1}") for n in range(INSTANCES)])


async def commit_without_end(folder: Path, revision: int) -> None:
    store = FileStore(folder)
    await store.open()
    token = await store.acquire("committing", 30) or 0
    print("open", flush=True)
    while True:
        revision += 1
        try:
            await store.commit(batch(revision), token)
        except StoreUnavailable as error:
            print(error, flush=True)
            break
        print(revision, flush=True)
    # The handle stays dead, although there is room again.
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    try:
        await store.commit(batch(revision), token)
    except StoreUnavailable:
        print(await store.check(), flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 3:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
    asyncio.run(commit_without_end(Path(sys.argv[1]), int(sys.argv[2])))
