"""Serving: what `flowrt serve` does, from a configuration to a server and down again.

Up: bind, open the store, answer /health, own the instances, deploy, take work, restore, ready. Down (SIGTERM, SIGINT):
take no more, finish the answers, write what is there; the rest is left to the next start's restore.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn
import uvloop

from flowrt.api.app import create_app
from flowrt.api.context import Context
from flowrt.assemble import Assembly
from flowrt.config.model import Config
from flowrt.runtime.ending import ended
from flowrt.runtime.folder import Folder
from flowrt.runtime.insisting import insist
from flowrt.stores.protocol import StoreRefused, StoreUnavailable
from flowrt.version import VERSION

log = logging.getLogger("flowrt")

FINE, UNREACHABLE = 0, 3
CLOSING_S = 5.0
"""What is kept of the time for stopping for the last commit."""


_COLLECTING = (50_000, 20, 100)
"""Thresholds of the garbage collector. What a workflow makes is freed by its reference counts, but is much."""


def run_server(config: Config) -> int:
    """Serves until a signal; the exit code: 0, or 3 when the port or the store cannot be had."""
    gc.set_threshold(*_COLLECTING)
    set_up_logging(config.server.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(config))


async def serve(config: Config) -> int:
    """Serves until a signal; the exit code."""
    try:
        listener = bind(config.server.host, config.server.port)
    except OSError as error:
        log.error("cannot listen on %s:%d: %s", config.server.host, config.server.port, error.strerror or error)
        return UNREACHABLE
    with listener:
        try:
            assembly = Assembly(config)
            await assembly.host.connect()
        except (StoreRefused, StoreUnavailable) as error:
            log.error("the store cannot be used: %s", error)
            return UNREACHABLE
        return await Serving(config, assembly).run(listener)


def bind(host: str, port: int) -> socket.socket:
    """A socket of that address, not listening yet. Raises `OSError`."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


class Server(uvicorn.Server):
    """uvicorn without its own handling of signals, which would end the process by the signal."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Serving:
    """One server from its start to its end."""

    def __init__(self, config: Config, assembly: Assembly) -> None:
        self._config, self._assembly = config, assembly
        self._host = assembly.host
        app = create_app(assembly)
        self._context: Context = app.state.context
        self._context.starting = "starting"
        self._stop = asyncio.Event()
        self._code = FINE
        self._patience_s = config.server.shutdown_timeout
        self._server = Server(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=max(1, math.ceil(self._patience_s - CLOSING_S)),
            )
        )

    async def run(self, listener: socket.socket) -> int:
        """Serves until a signal; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopped_by, number)
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        work = asyncio.create_task(self._work(f"http://{shown}:{port}"))
        try:
            await self._server.serve(sockets=[listener])
        except OSError as error:
            log.error("cannot listen on %s:%d: %s", host, port, error.strerror or error)
            self._code = UNREACHABLE
        began = loop.time()
        self._stop.set()
        await ended([work])
        await self._host.close(max(CLOSING_S, self._patience_s - (loop.time() - began)))
        await self._assembly.outside.close()
        log.info("stopped")
        return self._code

    def _stopped_by(self, number: signal.Signals) -> None:
        if self._stop.is_set():
            self._server.force_exit = True
            return
        log.info("%s: stopping, at most %g s", signal.Signals(number).name, self._patience_s)
        self._end()

    def _end(self) -> None:
        self._host.stopping = True
        self._stop.set()
        self._context.close()
        self._server.should_exit = True

    async def _work(self, url: str) -> None:
        """Everything but answering: comes up, and then follows the folder."""
        try:
            await self._come_up(url)
        except (StoreRefused, StoreUnavailable) as error:
            log.error("the store cannot be used: %s", error)
            self._code = UNREACHABLE
            self._end()
        except Exception:  # The outermost edge of this task: a server that cannot come up has to end.
            log.exception("the server could not start")
            self._code = UNREACHABLE
            self._end()

    async def _come_up(self, url: str) -> None:
        context, service = self._context, self._assembly.service
        store = self._assembly.store
        context.starting = self._host.blocked
        await self._host.own()
        context.starting = "the definitions are being loaded"
        for stored in await store.deployed():
            definition = await self._assembly.definitions.pinned(stored.digest)
            if definition is not None:
                self._assembly.definitions.deploy(definition)
                log.info("serving %s (deployed over HTTP)", definition.id)
        folder = Folder(service, self._config.workflows.path)
        if not folder.path.is_dir():
            log.warning("there is no folder %s: nothing is served from files", folder.path)
        await folder.refresh()
        await service.schedules.end_lost()
        context.starting = None
        kept = "survives a restart" if store.durable else "is lost at the end"
        log.info("flowrt %s on %s (store: %s, what runs %s; %s/ui, %s/docs)", VERSION, url, store.name, kept, url, url)
        await insist("the restore", self._host.restore)
        log.info("ready: %d definitions, %d instances restored", folder.count, self._host.restored)
        if self._config.workflows.watch:
            await folder.follow(self._stop)


def set_up_logging(level: str) -> None:
    """One line for each event on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("uvicorn", "watchfiles", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
