"""Processes: how shell and script run a program of the operating system, bound it and end it.

Invariants: a program never outlives its task (its whole process group is ended when the task is cancelled, when it
breaks a limit, and when its first process has exited); its working folder is its own, empty at the start and removed
after; it sees no environment but the minimal one and what it was given. The limits contain accidents: this is no
sandbox, programs run with the rights of this process. Whatever is not trusted belongs in a container.
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from flowrt.core.effect import Json
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.process_result import ProcessResult, map_of, text_of

GRACE_S = 2.0
"""Between TERM and KILL, and for the last output once everything has ended."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LAUNCH = """ulimit -c 0
[ -z "$1" ] || ulimit -v "$1"
[ -z "$2" ] || { ulimit -St "$2"; ulimit -Ht "$3"; }
shift 3
exec "$@"
"""
"""Sets the limits, then becomes the program. Its words stay words: the shell never reads them.

Limits set by the child before it starts cannot be outrun, and unlike `preexec_fn` this is safe beside threads.
"""


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """What programs may be run and how much each may use; None is no limit of ours."""

    shell_enabled: bool = False
    allowed_commands: tuple[str, ...] | None = None
    """First words that `run.shell` may have; None: all."""
    script_enabled: bool = False
    python: str = sys.executable
    node: str = "node"
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    """PATH of the programs, and where `node` is looked for."""
    memory_bytes: int | None = 4 << 30
    """Address space of each process (RLIMIT_AS); Node.js needs about 1 GiB to start."""
    cpu_s: int | None = 600
    """Processor time of each process (RLIMIT_CPU)."""
    wall_s: float | None = 3600.0
    output_bytes: int = 16 << 20
    """Of stdout and stderr together."""
    parallel: int = 16
    """Programs of one adapter at a time; the others wait their turn."""


class Processes:
    """Runs programs for one adapter. `close` ends those that still run."""

    def __init__(self, settings: ProcessSettings) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.parallel)
        self._tasks: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def workspace(self, files: Mapping[str, str]) -> AsyncIterator[Path]:
        """A turn and a temporary folder, with `files` and the empty folder `work`; removed at the end."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._tasks.add(task)
        try:
            async with self._slots, _temporary(files) as folder:
                yield folder
        finally:
            self._tasks.discard(task)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def run(
        self, argv: Sequence[str], folder: Path, *, stdin: Json, environment: Json, key: str
    ) -> ProcessResult:
        """Runs `argv` in the workspace `folder` to its end. Raises `Faulted` when it cannot start or breaks a limit."""
        settings = self._settings
        with tempfile.TemporaryFile() as source:
            # A file, not a pipe: a program that never reads cannot block us, and Node's readFileSync(0) works.
            source.write(b"" if stdin is None else text_of(stdin).encode("utf-8", "surrogatepass"))
            source.seek(0)
            environ = self._environment(folder, environment, key)
            starting = asyncio.create_task(self._start(argv, folder, source, environ))
            (transport, output), interrupted = await _despite_cancellation(starting)
        try:
            if interrupted:
                raise asyncio.CancelledError
            async with asyncio.timeout(settings.wall_s):
                await output.ended.wait()
        except TimeoutError:
            raise Faulted(Fault.of("timeout", f"the program ran longer than {settings.wall_s:g} s")) from None
        finally:
            await _end(transport, output)
        if output.overflown:
            limit = f"the program wrote more than {settings.output_bytes} bytes"
            raise Faulted(Fault.of("runtime", f"{limit}; write large output to a file or a store instead"))
        code = transport.get_returncode()
        assert code is not None
        code = code if code >= 0 else 128 - code
        if settings.cpu_s is not None and code == 128 + signal.SIGXCPU:
            raise Faulted(Fault.of("runtime", f"the program used more than {settings.cpu_s} s of processor time"))
        return ProcessResult.decoded(code, output.text[1], output.text[2])

    async def _start(
        self, argv: Sequence[str], folder: Path, stdin: IO[bytes], environment: dict[str, str]
    ) -> _Started:
        settings = self._settings
        limits = _limits(settings)
        try:
            transport, output = await asyncio.get_running_loop().subprocess_exec(
                lambda: _Output(settings.output_bytes),
                *("/bin/sh", "-c", _LAUNCH, "sh", *limits, *argv),
                stdin=stdin,
                cwd=folder / "work",
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            # ValueError: a NUL in an argument; OSError: mostly arguments that are too long for the system.
            what = f"cannot start {argv[0]!r}: {error}"
            raise Faulted(Fault.of("runtime", f"{what}; large data goes through stdin")) from error
        return transport, output

    def _environment(self, folder: Path, given: Json, key: str) -> dict[str, str]:
        work = str(folder / "work")
        environment = {"PATH": self._settings.path, "HOME": work, "LANG": "C.UTF-8", "TMPDIR": work}
        for name, value in map_of(given, "environment").items():
            if not _NAME.fullmatch(name):
                detail = f"environment: {name!r} cannot be a variable (letters, digits and _ only)"
                raise Faulted(Fault.of("configuration", detail))
            if value is not None:
                environment[name] = text_of(value)
        environment["FLOWRT_IDEMPOTENCY_KEY"] = key
        return environment


@asynccontextmanager
async def _temporary(files: Mapping[str, str]) -> AsyncIterator[Path]:
    folder = tempfile.TemporaryDirectory(prefix="flowrt-", ignore_cleanup_errors=True)
    path = Path(folder.name)
    try:
        (path / "work").mkdir()
        for name, content in files.items():
            (path / name).write_text(content, "utf-8", errors="surrogatepass")
        yield path
    finally:
        # What the program left may be much, so a thread removes it; it finishes even if the task is cancelled again.
        await asyncio.shield(asyncio.to_thread(folder.cleanup))


class _Output(asyncio.SubprocessProtocol):
    """Collects what the program writes.

    `ended`: it has exited or written too much; `gone`: it has exited and nobody holds its pipes any more.
    """

    def __init__(self, limit: int) -> None:
        self.text = {1: bytearray(), 2: bytearray()}
        self.ended = asyncio.Event()
        self.gone = asyncio.Event()
        self.overflown = False
        self._left = limit

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self.overflown = True
            self.ended.set()
        else:
            self.text[fd] += data

    def process_exited(self) -> None:
        self.ended.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()


_Started = tuple[asyncio.SubprocessTransport, _Output]


async def _despite_cancellation(starting: asyncio.Task[_Started]) -> tuple[_Started, bool]:
    """What has started, and whether somebody wanted to cancel meanwhile.

    A start that is broken off leaves a process of whose group nothing is known yet, so nobody could end it.
    """
    interrupted = False
    while not starting.done():
        try:
            await asyncio.wait([starting])
        except asyncio.CancelledError:
            interrupted = True
    if interrupted and starting.exception() is not None:
        raise asyncio.CancelledError
    return starting.result(), interrupted


def _limits(settings: ProcessSettings) -> tuple[str, str, str]:
    """The words of `_LAUNCH`: KiB of memory, soft and hard seconds. A lower limit of our own process stands."""
    memory = _capped(settings.memory_bytes, resource.RLIMIT_AS)
    soft = _capped(settings.cpu_s, resource.RLIMIT_CPU)
    hard = _capped(None if soft is None else soft + 1, resource.RLIMIT_CPU)
    return "" if memory is None else str(memory >> 10), str(soft or ""), str(hard or "")


def _capped(wanted: int | None, kind: int) -> int | None:
    _, ours = resource.getrlimit(kind)
    return wanted if wanted is None or ours == resource.RLIM_INFINITY else min(wanted, ours)


async def _end(transport: asyncio.SubprocessTransport, output: _Output) -> None:
    """Ends what is left of the program's group: at once when its first process has exited, else politely."""
    group = transport.get_pid()
    try:
        if transport.get_returncode() is None:
            _signal(group, signal.SIGTERM)
            async with asyncio.timeout(GRACE_S):
                await output.gone.wait()
    except TimeoutError:
        pass
    finally:
        # Also when cancelled a second time: the group must not survive us.
        _signal(group, signal.SIGKILL)
        try:
            async with asyncio.timeout(GRACE_S):
                await output.gone.wait()
        except TimeoutError:
            pass  # A process that left the group holds the pipes; what it writes is not waited for.
        finally:
            transport.close()


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
