"""Docker logs: the two streams of a container's output, taken apart.

Each frame is a header of eight bytes (stream 1 or 2, three zeros, length in big endian) and that many bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from flowrt.core.fault import Fault, Faulted

_HEADER = 8


async def read_logs(chunks: AsyncIterator[bytes], limit: int) -> tuple[bytes, bytes]:
    """Standard output and standard error. Raises `Faulted` beyond `limit` bytes of both together."""
    streams = {1: bytearray(), 2: bytearray()}
    unread = bytearray()
    async for chunk in chunks:
        unread += chunk
        start = 0
        while len(unread) - start >= _HEADER:
            body = start + _HEADER
            end = body + int.from_bytes(unread[start + 4 : body], "big")
            if len(unread) < end:
                break
            streams[2 if unread[start] == 2 else 1] += unread[body:end]
            start = end
        del unread[:start]
        if sum(map(len, streams.values())) > limit or len(unread) > limit + _HEADER:
            detail = f"the container wrote more than {limit} bytes; write large output to a volume or a store instead"
            raise Faulted(Fault.of("runtime", detail))
    return bytes(streams[1]), bytes(streams[2])
