"""The load: starts instances of a served workflow over HTTP and times the answers; a process of its own.

Open: so many starts a second whatever the answers take; a start counts as dropped when all connections are taken, or it
is not answered with 200 in time. Closed: every connection starts again when it has its answer. Batch: many starts at
once, until the last one has ended. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

CONNECTIONS = 256
"""Of an open load, at most."""
LATE_S = 10.0
"""How long answers may come after the last start."""
INPUT = b'{"n":0}'
MOST_IN_BATCH = 1000


class Connection(asyncio.Protocol):
    """One kept connection; one request at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        body, self._body = self._body, b""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), body))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("the server closed the connection"))

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """The status and body of the answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    @property
    def closed(self) -> bool:
        """Whether either side has closed it; a server does when it has been idle for some seconds."""
        return self._transport.is_closing()

    def close(self) -> None:
        self._transport.close()


class Load:
    """Requests to one workflow's instances."""

    def __init__(self, url: str) -> None:
        """`url` is that of the definition."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._host, self._port, self._path = parts.hostname, parts.port or 80, parts.path

    async def connect(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, self._host, self._port)
        return connection

    def post(self, resource: str, body: bytes) -> bytes:
        head = f"POST {self._path}/{resource} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    def get(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n\r\n".encode()

    async def open(self, rate: float, seconds: float) -> dict[str, float]:
        """Arrivals at a constant rate; an answer's time counts from when its start was due."""
        request = self.post("instances?wait=60s", INPUT)
        idle = [await self.connect() for _ in range(CONNECTIONS)]
        taken: list[float] = []
        asked: set[asyncio.Task[None]] = set()

        async def start(connection: Connection, due: float) -> None:
            if connection.closed:
                connection = await self.connect()
            status, body = await connection.ask(request)
            if status == 200:
                taken.append(time.perf_counter() - due)
            else:
                print(f"the server answered {status}: {body[:300].decode(errors='replace')}", file=sys.stderr)
            idle.append(connection)

        began, starts = time.perf_counter(), int(rate * seconds)
        for number in range(starts):
            due = began + number / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            if idle:
                asked.add(asyncio.create_task(start(idle.pop(), due)))
        _, late = await asyncio.wait(asked, timeout=LATE_S)
        for task in late:
            task.cancel()
        return {"starts": starts, "dropped": starts - len(taken), **times(taken)}

    async def closed(self, connections: int, seconds: float) -> dict[str, float]:
        """So many clients, each of which starts again when its instance has ended."""
        request = self.post("instances?wait=60s", INPUT)
        taken: list[float] = []
        end = time.perf_counter() + seconds

        async def client() -> None:
            connection = await self.connect()
            while (began := time.perf_counter()) < end:
                status, body = await connection.ask(request)
                if status != 200:
                    raise SystemExit(f"the server answered {status}: {body[:300].decode(errors='replace')}")
                taken.append(time.perf_counter() - began)
            connection.close()

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(connections)))
        return {"instances_per_s": len(taken) / (time.perf_counter() - began), **times(taken)}

    async def batch(self, count: int) -> dict[str, float]:
        """Seconds until so many starts are durable, and until all have ended."""
        connection = await self.connect()
        began = time.perf_counter()
        ids: list[str] = []
        for first in range(0, count, MOST_IN_BATCH):
            inputs = b"[" + b",".join([INPUT] * min(MOST_IN_BATCH, count - first)) + b"]"
            status, body = await connection.ask(self.post("instances:batch", inputs))
            if status != 202:
                raise SystemExit(f"the server answered {status}: {body[:300].decode(errors='replace')}")
            ids += json.loads(body)
        started = time.perf_counter() - began
        for id_ in ids[MOST_IN_BATCH - 1 :: MOST_IN_BATCH]:
            while json.loads((await connection.ask(self.get(f"/v1/instances/{id_}")))[1])["status"] != "completed":
                await asyncio.sleep(0.01)
        return {"started_s": started, "ended_s": time.perf_counter() - began}


def times(taken: Sequence[float]) -> dict[str, float]:
    """Average and percentiles in milliseconds."""
    if len(taken) < 2:
        return {}
    cuts = statistics.quantiles(taken, n=100)
    figures = {"average_ms": statistics.fmean(taken), "p50_ms": cuts[49], "p95_ms": cuts[94], "p99_ms": cuts[98]}
    return {name: seconds * 1000 for name, seconds in figures.items()}


def main() -> None:
    """Prints the figures of one load."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("kind", choices=("open", "closed", "batch"))
    parser.add_argument("url", help="of a served definition, http://127.0.0.1:8080/v1/definitions/NAMESPACE/NAME")
    parser.add_argument("--rate", type=float, default=20, help="starts a second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--count", type=int, default=5000)
    given = parser.parse_args()
    load = Load(given.url)
    coroutine = {
        "open": lambda: load.open(given.rate, given.seconds),
        "closed": lambda: load.closed(given.connections, given.seconds),
        "batch": lambda: load.batch(given.count),
    }[given.kind]()
    print(json.dumps(uvloop.run(coroutine)))


if __name__ == "__main__":
    main()
