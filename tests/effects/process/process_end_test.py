"""The end of a program: by its own, by a limit, or because its task is no longer wanted. Nothing of it stays."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import time
from pathlib import Path

import pytest

from flowrt.core.fault import PREFIX, Faulted
from flowrt.effects.shell import ShellRun


@pytest.fixture
def started(tmp_path, effect):
    """Starts a command that writes process ids to `$REPORT`, one a line, and gives its task and the ids once there."""

    async def start(shell: ShellRun, command: str, count: int) -> tuple[asyncio.Task, list[int]]:
        report = tmp_path / "report"
        environment = {"REPORT": str(report)}
        task = asyncio.create_task(shell.run(effect(command=command, environment=environment)))
        async with asyncio.timeout(10):
            while not report.exists() or len(report.read_text().split()) < count:
                await asyncio.sleep(0.01)
        return task, [int(pid) for pid in report.read_text().split()]

    return start


async def cancelled(task: asyncio.Task) -> float:
    """Cancels the task, waits for its end, and tells how long that took, in seconds."""
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.monotonic() - began


async def test_cancelling_ends_the_whole_group_and_removes_the_folder(allowed, started, alive):
    command = "pwd >folder; sleep 60 & echo $$ $! >>$REPORT; wait"
    task, pids = await started(ShellRun(allowed), command, 2)
    folder = Path(f"/proc/{pids[0]}/cwd").resolve()
    assert (folder / "folder").exists()
    assert await cancelled(task) < 1.5
    assert not any(alive(pid) for pid in pids)
    assert not folder.exists()


async def test_cancelling_while_it_starts_ends_the_whole_group(allowed, effect, alive, tmp_path):
    report = tmp_path / "report"
    before = _children()
    command = "sleep 60 & echo $$ $! >>$REPORT; wait"
    task = asyncio.create_task(ShellRun(allowed).run(effect(command=command, environment={"REPORT": str(report)})))
    while _children() == before:
        await asyncio.sleep(0)
    while not report.exists() or not report.read_text():
        time.sleep(0.01)  # no turn for the loop, which has yet to learn that the process is there
    assert await cancelled(task) < 10
    assert not any(alive(int(pid)) for pid in report.read_text().split())


async def test_a_program_may_tidy_up_when_it_is_ended(allowed, started, tmp_path):
    marker = tmp_path / "tidied"
    command = f"trap 'echo yes >{marker}; exit' TERM; echo $$ >$REPORT; while :; do sleep 0.05; done"
    task, _ = await started(ShellRun(allowed), command, 1)
    await cancelled(task)
    assert marker.read_text() == "yes\n"


async def test_one_that_ignores_the_wish_is_killed_after_two_seconds(allowed, started, alive):
    task, pids = await started(ShellRun(allowed), "trap '' TERM; echo $$ >$REPORT; while :; do sleep 60; done", 1)
    assert 1.8 < await cancelled(task) < 4
    assert not alive(pids[0])


async def test_cancelled_twice_it_is_killed_at_once(allowed, started, alive):
    task, pids = await started(ShellRun(allowed), "trap '' TERM; echo $$ >$REPORT; while :; do sleep 60; done", 1)
    task.cancel()
    await asyncio.sleep(0.1)
    assert await cancelled(task) < 1
    assert not alive(pids[0])


async def test_what_it_left_in_the_background_ends_with_it(allowed, effect, alive):
    began = time.monotonic()
    outcome = await ShellRun(allowed).run(effect(command="sleep 60 & echo $!"))
    assert time.monotonic() - began < 1.5
    assert not alive(int(outcome.output))


async def test_one_that_left_the_group_is_not_waited_for(allowed, effect):
    began = time.monotonic()
    outcome = await ShellRun(allowed).run(effect(command="setsid sleep 5 & echo $!"))
    assert time.monotonic() - began < 4
    assert outcome.output.isdigit()


async def test_no_zombie_and_no_open_file_stays(allowed, effect):
    shell = ShellRun(allowed)
    await shell.run(effect(command="true"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    await asyncio.gather(*(shell.run(effect(command="echo hi")) for _ in range(20)))
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert _zombies() == []


def _children() -> list[str]:
    return [pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()]


def _zombies() -> list[str]:
    return [pid for pid in _children() if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"]


async def test_closing_cancels_what_runs(allowed, started, alive):
    shell = ShellRun(allowed)
    task, pids = await started(shell, "echo $$ >$REPORT; sleep 60", 1)
    await shell.close()
    assert task.cancelled()
    assert not alive(pids[0])


async def test_no_more_than_so_many_at_a_time(allowed, effect, tmp_path):
    shell = ShellRun(dataclasses.replace(allowed, parallel=2))
    running = f"cd {tmp_path}; mkdir $$; ls | wc -l; sleep 0.1; rmdir $$"
    outcomes = await asyncio.gather(*(shell.run(effect(command=running)) for _ in range(6)))
    counts = [int(outcome.output) for outcome in outcomes]
    assert max(counts) == 2


class TestLimits:
    async def fault(self, settings, effect, command, **more):
        with pytest.raises(Faulted) as caught:
            await ShellRun(settings).run(effect(command=command, **more))
        return caught.value.fault

    async def test_wall_time(self, allowed, effect):
        fault = await self.fault(dataclasses.replace(allowed, wall_s=0.3), effect, "sleep 60", returns="all")
        assert (fault.type, fault.status) == (PREFIX + "timeout", 408)
        assert fault.detail == "the program ran longer than 0.3 s"

    async def test_output(self, allowed, effect):
        few = dataclasses.replace(allowed, output_bytes=100_000)
        exact = await ShellRun(few).run(effect(command="head -c 50000 /dev/zero; head -c 50000 /dev/zero >&2"))
        assert len(exact.output) == 50_000
        fault = await self.fault(few, effect, "yes", returns="code")
        assert fault.type == PREFIX + "runtime"
        assert fault.detail is not None
        assert "more than 100000 bytes" in fault.detail

    async def test_processor_time(self, allowed, effect):
        fault = await self.fault(dataclasses.replace(allowed, cpu_s=1), effect, "while :; do :; done")
        assert fault.detail == "the program used more than 1 s of processor time"

    async def test_memory(self, allowed, effect):
        little = dataclasses.replace(allowed, memory_bytes=256 << 20)
        command = [allowed.python, "-c", "len(bytearray(512 << 20)); print('enough')"]
        assert (await ShellRun(allowed).run(effect(command=command))).output == "enough"
        fault = await self.fault(little, effect, command)
        assert fault.detail is not None
        assert "MemoryError" in fault.detail

    async def test_none_is_no_limit(self, allowed, effect):
        free = dataclasses.replace(allowed, memory_bytes=None, cpu_s=None, wall_s=None)
        limits = (await ShellRun(free).run(effect(command="ulimit -v; ulimit -t; ulimit -c"))).output
        assert limits == "unlimited\nunlimited\n0"
