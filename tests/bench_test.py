"""`flowrt bench`: figures that hold together, and nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from flowrt import Runtime

SHORT = ("--seconds", "0.2", "--tasks", "5")


def bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flowrt", "bench", *SHORT, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False, env=environment)


def test_it_measures_files_of_its_own(tmp_path: Path) -> None:
    done = bench(tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "store: file" in lines[0]
    assert [int(line.split()[0]) for line in lines[3:]] == [1, 16, 64, 256]
    assert all(float(line.split()[1].replace(",", "")) > 0 for line in lines[3:])
    assert list(tmp_path.iterdir()) == []


async def test_it_leaves_nothing_in_a_given_store(tmp_path: Path) -> None:
    done = bench(tmp_path, "--store", f"file:{tmp_path}/data", "--json")
    figures = json.loads(done.stdout)
    assert figures["fsyncP50Ms"] > 0
    for each in figures["durable"]:
        assert each["tasksPerS"] > 0
        assert 0 < each["commitP50Ms"] <= each["commitP99Ms"]
    async with Runtime(store=f"file:{tmp_path}/data") as runtime:
        assert [instance async for instance in runtime.instances()] == []
        assert await runtime.assembly.store.deployed() == []


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    done = bench(tmp_path, "--store", "redis://127.0.0.1:1/0")
    assert (done.returncode, "the store cannot be used" in done.stderr) == (3, True)
