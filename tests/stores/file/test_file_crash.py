"""The file store when its process is killed, and when the disk does not take what is written."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flowrt.stores.file import FileStore
from flowrt.stores.protocol import Query, StoreRefused
from tests.stores.file.committing import INSTANCES

KILLS = 25


def committing(folder: Path, revision: int, *file_limit: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.stores.file.committing", str(folder), str(revision), *map(str, file_limit)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


async def revision_in(folder: Path) -> int:
    """The revision that all instances have, with everything that belongs to it."""
    store = FileStore(folder)
    await store.open()
    loaded = await store.load([f"i{n}" for n in range(INSTANCES)])
    revisions = {stored.head["revision"] for stored in loaded.values()}  # type: ignore[union-attr]
    assert len(loaded) in (0, INSTANCES)
    assert len(revisions) <= 1
    revision: int = revisions.pop() if revisions else 0
    for id_, stored in loaded.items():
        positions = [record["position"] for record in await store.history(id_)]
        assert positions == [f"/do/{n}" for n in range(1, revision + 1)]
        assert [moving for _, _, moving in stored.live] == [{"attempt": revision}]  # type: ignore[union-attr]
    status = "waiting" if revision % 2 else "running"
    assert len((await store.find(Query(status=status))).items) == len(loaded)
    assert {found.status for found, _ in await store.unfinished()} <= {status}
    assert [event["id"] for event in await store.outbox()] == [f"{n}-{revision}" for n in range(len(loaded))]
    await store.close()
    return revision


async def test_kill_in_the_middle_of_commits_loses_nothing_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(7)
    revision = 0
    for _ in range(KILLS):
        process = committing(tmp_path, revision)
        time.sleep(chance.uniform(0.0, 0.06))  # the moment of the kill is the point
        process.kill()
        said = process.communicate()[0].splitlines()
        acknowledged = int(said[-1]) if said else revision
        revision = await revision_in(tmp_path)
        assert acknowledged <= revision <= acknowledged + 1
    assert revision > KILLS


async def test_a_running_server_refuses_others_and_a_killed_one_does_not(tmp_path: Path) -> None:
    process = committing(tmp_path, 0)
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    with pytest.raises(StoreRefused, match=rf"served by another process \(pid {process.pid}\)"):
        await FileStore(tmp_path).open()
    reader = FileStore(tmp_path, readonly=True)
    await reader.open()
    assert (await reader.info())["readonly"] is True
    await reader.close()
    process.kill()
    process.communicate()
    assert await revision_in(tmp_path) > 0


async def test_a_full_disk_stops_the_store_for_good(tmp_path: Path) -> None:
    process = committing(tmp_path, 0, 1 << 20)
    said = process.communicate(timeout=30)[0].splitlines()
    acknowledged = int(said[-3])
    assert "default.lmdb could not be written" in said[-2]
    assert said[-1] == said[-2]
    assert acknowledged <= await revision_in(tmp_path) <= acknowledged + 1
