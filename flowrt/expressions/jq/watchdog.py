"""Runs programs that could run away in helper processes, each evaluation with a deadline and bounded memory.

The processes are started when first needed, reused, and at most `MOST_PROCESSES`. One that misses its deadline or dies
is replaced. None outlives this process: they end when their standard input does, and a timer of their own ends them
in the middle of an evaluation. Evaluating blocks its thread without holding the interpreter; it is thread-safe.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from flowrt.core.expression import ExpressionTimedOut, InvalidExpression, Json, Lookup
from flowrt.expressions.jq.libjq import complaint, document, failure, quote, result, wrapped
from flowrt.expressions.jq.worker import DONE, HEADER, frame

DEADLINE_S = 2.0
START_DEADLINE_S = 30.0
GRACE_S = 1.0
MOST_PROCESSES = 4
_WORKER = Path(__file__).with_name("worker.py")
_PIECE = 1 << 16


class _Late(Exception):
    """The answer did not come in time."""


class _Process:
    """One helper process, used by one thread at a time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER), json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.requests: IO[bytes] = self.process.stdin
        self.replies: IO[bytes] = self.process.stdout
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.replies, selectors.EVENT_READ)
        self.started = False

    def start(self) -> None:
        """Waits until it has loaded the library, which is no part of any deadline."""
        if self.started:
            return
        try:
            self.receive(time.monotonic() + START_DEADLINE_S)
            self.started = True
        except _Late:
            raise OSError("a helper process for expressions did not start") from None

    def ask(self, program: str, text: str, deadline_s: float) -> bytes:
        """The reply; raises `_Late`, or EOFError or OSError if the process died."""
        ends_at = time.monotonic() + deadline_s
        parts = (str(deadline_s + GRACE_S), program, text)
        pending = memoryview(b"".join(frame(part.encode()) for part in parts))
        while pending:
            pending = pending[self.requests.write(pending) :]
        return self.receive(ends_at)

    def receive(self, ends_at: float) -> bytes:
        data = bytearray()
        while len(data) < HEADER.size or len(data) < HEADER.size + HEADER.unpack_from(data)[0]:
            if not self.selector.select(max(0.0, ends_at - time.monotonic())):
                raise _Late
            piece = os.read(self.replies.fileno(), _PIECE)
            if not piece:
                raise EOFError
            data += piece
        return bytes(data[HEADER.size :])

    def end(self) -> None:
        self.process.kill()
        self.selector.close()
        self.requests.close()
        self.replies.close()
        self.process.wait()


class _Pool:
    """Idle processes and the permission to start more."""

    def __init__(self) -> None:
        self.free = threading.Semaphore(MOST_PROCESSES)
        self.idle: list[_Process] = []
        self.busy: set[_Process] = set()

    def ask(self, program: str, text: str, deadline_s: float) -> bytes:
        with self.free:
            process = self.take()
            self.busy.add(process)
            try:
                process.start()
                reply = process.ask(program, text, deadline_s)
            except BaseException:
                process.end()
                raise
            finally:
                self.busy.discard(process)
            self.idle.append(process)
            return reply

    def take(self) -> _Process:
        try:
            return self.idle.pop()
        except IndexError:
            return _Process()

    def close(self) -> None:
        while self.idle:
            self.idle.pop().end()
        for process in list(self.busy):
            process.process.kill()  # the thread that waits for it sees its end, and cleans up


_pool = _Pool()
_inherited: list[_Pool] = []
_deadline_s = DEADLINE_S


def set_deadline(seconds: float) -> None:
    """How long an evaluation in a helper process may take from now on."""
    global _deadline_s
    _deadline_s = seconds


def close() -> None:
    """Ends all helper processes, in the middle of an evaluation too; the next evaluation starts new ones."""
    _pool.close()


def _forget() -> None:
    """A forked child must not talk through its parent's pipes, nor end its parent's processes."""
    global _pool
    _inherited.append(_pool)
    _pool = _Pool()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class GuardedProgram:
    """A program for the library, run in a helper process."""

    def __init__(self, source: str, names: list[str]) -> None:
        problem = complaint(source, names)
        if problem is not None:
            raise InvalidExpression(problem)
        self.source = source
        self.names = names
        self.program = wrapped(source, names)

    def evaluate(self, data: Json, lookup: Lookup) -> Json:
        text = document(data, self.names, lookup)
        deadline_s = _deadline_s
        try:
            reply = _pool.ask(self.program, text, deadline_s)
        except _Late:
            raise ExpressionTimedOut(f"expression {quote(self.source)!r} took longer than {deadline_s:g} s") from None
        except (EOFError, OSError):
            raise failure(self.source, "it ran out of memory, or its helper process died") from None
        if reply[:1] == DONE:
            return result(json.loads(reply[1:]))
        raise failure(self.source, reply[1:].decode())
