"""The helper process: compiles and runs jq programs that it reads from its standard input, one after the other.

It runs as a script, needs nothing but libjq, and knows nothing of flowrt. A request is three frames: how many
seconds it may take, the program, the input as JSON text; a reply is one frame that starts with `DONE` or `FAILED`.
It ends when its input does, and a timer ends it in the middle of an evaluation that nobody waits for any more.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from importlib import import_module
from typing import IO, Any

HEADER = struct.Struct(">I")
READY, DONE, FAILED = b"R", b"D", b"F"
MEMORY_BYTES = 512 * 1024 * 1024
LONGEST_REPLY = 64 * 1024 * 1024
KEPT_PROGRAMS = 256


def read_frame(stream: IO[bytes]) -> bytes:
    """The next frame; EOFError at the end."""
    header = _read(stream, HEADER.size)
    return _read(stream, HEADER.unpack(header)[0])


def _read(stream: IO[bytes], size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = stream.read(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def frame(data: bytes) -> bytes:
    return HEADER.pack(len(data)) + data


def limit_resources() -> None:
    """Bounded memory, no core dumps, no environment to look at, deaf to the terminal's interrupt."""
    os.environ.clear()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def set_timer(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def answer(programs: dict[str, Any], source: str, text: str) -> bytes:
    try:
        program = programs.get(source)
        if program is None:
            if len(programs) >= KEPT_PROGRAMS:
                programs.clear()
            program = programs[source] = import_module("jq").compile(source)
        reply = DONE + json.dumps(program.input_text(text).all()).encode()
    except (ValueError, MemoryError, RecursionError) as error:
        return FAILED + (str(error) or "out of memory").encode()
    return reply if len(reply) <= LONGEST_REPLY else FAILED + b"the result is too large"


def serve(requests: IO[bytes], replies: IO[bytes]) -> None:
    programs: dict[str, Any] = {}
    replies.write(frame(READY))
    while True:
        try:
            seconds, source, text = (read_frame(requests) for _ in range(3))
        except EOFError:
            return
        set_timer(float(seconds))
        reply = answer(programs, source.decode(), text.decode())
        set_timer(0)
        replies.write(frame(reply))


def main() -> None:
    sys.path[:] = json.loads(sys.argv[1])
    import_module("jq")  # before the memory is limited
    limit_resources()
    with open(0, "rb", buffering=0) as requests, open(1, "wb", buffering=0) as replies:
        serve(requests, replies)


if __name__ == "__main__":
    main()
