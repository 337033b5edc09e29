"""What the tests of MCP calls share: an adapter, effects, a server over HTTP."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from flowrt.core.effect import Effect
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients
from flowrt.effects.mcp import McpCall
from flowrt.effects.process import ProcessSettings
from tests.effects.mcp.weather_server import weather

SERVER = Path(__file__).parent / "weather_server.py"
Ask = Callable[..., Effect]


@pytest.fixture
async def call() -> AsyncIterator[McpCall]:
    clients = Clients()
    call = McpCall(clients, Authentication(clients), ProcessSettings(shell_enabled=True))
    yield call
    await call.close()
    await clients.close()


@pytest.fixture
def over_stdio() -> Ask:
    """An effect that asks the server as a process: method, parameters, other arguments, words after its name."""

    def make(method: str, parameters: Any = None, *words: str, **more: Any) -> Effect:
        stdio = {"command": sys.executable, "arguments": [str(SERVER), *words], **more.pop("stdio", {})}
        return effect_of({"stdio": stdio}, method, parameters, more)

    return make


def effect_of(transport: Any, method: str, parameters: Any, more: Any) -> Effect:
    arguments = {"transport": transport, "method": method, **more}
    if parameters is not None:
        arguments["parameters"] = parameters
    return Effect("mcp", arguments, "01J", "/do/0/ask", task="ask", workflow=("shop", "order", "1.0.0"))


@dataclass
class Web:
    """The server over HTTP, with what it was sent; `guard` may answer instead of it."""

    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    guard: Callable[[str, dict[str, str]], tuple[int, dict[str, str]] | None] = lambda *_: None

    def around(self, app: Any) -> Any:
        async def guarded(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                headers = {name.decode(): value.decode() for name, value in scope["headers"]}
                self.asked.append((scope["method"], headers))
                refusal = self.guard(scope["method"], headers)
                if refusal is not None:
                    status, extra = refusal
                    pairs = [(name.encode(), value.encode()) for name, value in extra.items()]
                    await send({"type": "http.response.start", "status": status, "headers": pairs})
                    await send({"type": "http.response.body", "body": b""})
                    return
            await app(scope, receive, send)

        return guarded

    def ask(self, method: str, parameters: Any = None, **more: Any) -> Effect:
        endpoint: dict[str, Any] = {"uri": self.url}
        if "authentication" in more:
            endpoint["authentication"] = more.pop("authentication")
        return effect_of({"http": {"endpoint": endpoint, **more.pop("http", {})}}, method, parameters, more)


@pytest.fixture(params=["sse", "json"])
async def web(request: pytest.FixtureRequest) -> AsyncIterator[Web]:
    web = Web()
    app = weather().streamable_http_app(json_response=request.param == "json")
    async with listening(web.around(app)) as address:
        web.url = f"{address}/mcp"
        yield web


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """Serves an ASGI application; gives its address."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1, ws="none")
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[sock]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running
