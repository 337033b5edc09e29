"""A real browser without a window, told what to do over the Chrome DevTools Protocol."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.servers.install import program

PATIENCE_S = 20.0


class Browser:
    """One page of one browser."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: ClientConnection | None = None
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listening: asyncio.Task[None] | None = None
        self.complaints: list[str] = []
        """Exceptions, failed requests of scripts and styles, broken policies."""

    async def open(self) -> Browser:
        """Starts it, with an empty page."""
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        options += ["--remote-debugging-port=0", f"--user-data-dir={self._folder}", "about:blank"]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen([program("chromium", "chromium"), *options], stdout=log, stderr=log)
        port = await self._port()
        async with httpx.AsyncClient() as http:
            pages = (await http.get(f"http://127.0.0.1:{port}/json")).json()
        address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        self._socket = await connect(address, max_size=None)
        self._listening = asyncio.create_task(self._listen())
        for domain in ("Page", "Runtime", "Log"):
            await self._say(f"{domain}.enable")
        return self

    async def close(self) -> None:
        """Ends it."""
        if self._listening is not None:
            self._listening.cancel()
        if self._socket is not None:
            await self._socket.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def go(self, address: str) -> None:
        """Opens an address."""
        await self._say("Page.navigate", url=address)
        await self.until(f"location.href === {json.dumps(address)} && document.readyState === 'complete'")

    async def do(self, script: str) -> Any:
        """What an expression gives on the page."""
        said = await self._say("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in said:
            raise AssertionError(f"{script}: {said['exceptionDetails']}")
        return said["result"].get("value")

    async def text(self) -> str:
        """What one reads."""
        return str(await self.do("document.body?.innerText"))

    async def until(self, script: str) -> Any:
        """The first true value of an expression on the page."""
        end = time.monotonic() + PATIENCE_S
        while not (found := await self.do(script)):
            assert time.monotonic() < end, f"not in time: {script}\n{await self.text()}\n{self.complaints}"
            await asyncio.sleep(0.02)
        return found

    async def reads(self, text: str) -> None:
        """Waits until the page says so."""
        await self.until(f"document.body.innerText.includes({json.dumps(text)})")

    async def click(self, text: str) -> None:
        """Clicks the button or link of that text, once it is there."""
        found = f"[...document.querySelectorAll('button, a')].find(each => each.innerText === {json.dumps(text)})"
        await self.until(f"!!{found}")
        await self.do(f"{found}.click()")

    async def fill(self, selector: str, text: str) -> None:
        """Fills a field in, as somebody does who leaves it afterwards."""
        await self.until(f"!!document.querySelector({json.dumps(selector)})")
        await self.do(
            f"{{ const field = document.querySelector({json.dumps(selector)}); field.value = {json.dumps(text)};"
            " field.dispatchEvent(new Event('change', { bubbles: true })) }"
        )

    async def _port(self) -> int:
        place, end = self._folder / "DevToolsActivePort", time.monotonic() + PATIENCE_S
        while not place.exists() or not place.read_text().strip():
            assert time.monotonic() < end, (self._folder / "log").read_text()
            await asyncio.sleep(0.02)
        return int(place.read_text().split()[0])

    async def _say(self, method: str, **parameters: Any) -> dict[str, Any]:
        assert self._socket is not None
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        said = await asyncio.wait_for(answer, PATIENCE_S)
        assert "error" not in said, said
        return dict(said["result"])

    async def _listen(self) -> None:
        assert self._socket is not None
        async for text in self._socket:
            said = json.loads(text)
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            elif said["method"] == "Runtime.exceptionThrown":
                self.complaints.append(str(said["params"]["exceptionDetails"]))
            elif said["method"] == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                self.complaints.append(said["params"]["entry"]["text"])
