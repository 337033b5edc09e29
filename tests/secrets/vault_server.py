"""A server that speaks the part of Vault's HTTP API that reading secrets needs: KV versions 1 and 2, and logging in.

Requests and answers have the shape of developer.hashicorp.com/vault/api-docs ("KV secrets engine", "Kubernetes auth
method", "AppRole auth method").
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = Any


class VaultServer:
    """Its content and what it was asked."""

    def __init__(self) -> None:
        self.secrets: dict[str, dict[str, Json]] = {}
        """Path with its mount, such as `secret/shop/pay`."""
        self.deleted: set[str] = set()
        self.v1_mounts: set[str] = set()
        self.tokens = {"root"}
        self.logins: dict[str, dict[str, str]] = {}
        """Mount of an auth method -> the fields that log in."""
        self.sealed = False
        self.reads: list[tuple[str, str | None, str | None]] = []
        """Path, token and namespace of each read."""
        self.logged_in = 0
        self.url = ""

    def read(self, path: str) -> tuple[int, Json]:
        mount, _, rest = path.partition("/")
        if mount in self.v1_mounts:
            data = self.secrets.get(f"{mount}/{rest}")
            return (200, {"lease_duration": 2764800, "data": data}) if data is not None else (404, {"errors": []})
        full = f"{mount}/{rest.removeprefix('data/')}"
        if not rest.startswith("data/") or full not in self.secrets:
            return 404, {"errors": []}
        gone = full in self.deleted
        metadata = {"version": 1, "destroyed": False, "deletion_time": "2026-01-01T00:00:00Z" if gone else ""}
        data = {"data": None if gone else self.secrets[full], "metadata": metadata}
        return (404 if gone else 200), {"request_id": "7", "data": data}

    def log_in(self, mount: str, body: dict[str, str]) -> tuple[int, Json]:
        if self.logins.get(mount) != body:
            return 403, {"errors": ["permission denied"]}
        self.logged_in += 1
        token = f"session-{self.logged_in}"
        self.tokens.add(token)
        return 200, {"auth": {"client_token": token, "lease_duration": 3600, "renewable": True}}


@contextmanager
def serving() -> Iterator[VaultServer]:
    """A server at a port of its own."""
    vault = VaultServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, token = self.path.removeprefix("/v1/"), self.headers.get("X-Vault-Token")
            vault.reads.append((path, token, self.headers.get("X-Vault-Namespace")))
            if vault.sealed:
                self.answer(503, {"errors": ["Vault is sealed"]})
            elif token not in vault.tokens:
                self.answer(403, {"errors": ["permission denied"]})
            else:
                self.answer(*vault.read(path))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            mount = self.path.removeprefix("/v1/auth/").removesuffix("/login")
            self.answer(*vault.log_in(mount, body))

        def answer(self, status: int, body: Json) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    vault.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield vault
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
