"""Toxiproxy: a way to any server that a test can slow down or cut."""

import json
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.error import URLError

from . import gobuild
from .ports import free_port
from .single import SingleProcessServer

_PACKAGE = "github.com/Shopify/toxiproxy/v2/cmd/server"
_VERSION = "v2.5.0"


class Toxiproxy(SingleProcessServer):
    """Its ways are lost with it: after `restart` a test makes them anew."""

    name = "toxiproxy"

    def __init__(self) -> None:
        super().__init__()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fetch(self) -> None:
        self._program = gobuild.installed(self.name, _PACKAGE, _VERSION)

    def prepare(self, folder: Path) -> None:
        self.port = free_port()

    def command(self) -> Sequence[str | Path]:
        return [self._program, "-host", "127.0.0.1", "-port", str(self.port)]

    def ready(self) -> bool:
        try:
            self._ask("GET", "/version")
        except URLError:
            return False
        return True

    def proxy(self, name: str, server_port: int) -> int:
        """The port of a new way to the server on that port."""
        port = free_port()
        way = {"name": name, "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{server_port}", "enabled": True}
        self._ask("POST", "/proxies", way)
        return port

    def cut(self, name: str) -> None:
        """Ends the connections on this way and refuses new ones."""
        self._ask("POST", f"/proxies/{name}", {"enabled": False})

    def mend(self, name: str) -> None:
        """Undoes `cut`, `slow_down` and `go_silent`."""
        for toxic in json.loads(self._ask("GET", f"/proxies/{name}/toxics")):
            self._ask("DELETE", f"/proxies/{name}/toxics/{toxic['name']}")
        self._ask("POST", f"/proxies/{name}", {"enabled": True})

    def slow_down(self, name: str, latency_s: float) -> None:
        """Delays every answer."""
        self._add_toxic(name, "latency", {"latency": round(latency_s * 1_000)})

    def go_silent(self, name: str) -> None:
        """Keeps connections open and lets no answer through, as a network does that loses everything."""
        self._add_toxic(name, "timeout", {"timeout": 0})

    def _add_toxic(self, name: str, kind: str, attributes: dict[str, int]) -> None:
        self._ask("POST", f"/proxies/{name}/toxics", {"type": kind, "stream": "downstream", "attributes": attributes})

    def _ask(self, method: str, path: str, body: object = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            answer: bytes = response.read()
            return answer
