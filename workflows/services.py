"""The services that the example workflows call, on 127.0.0.1:8090: `python workflows/services.py [PORT]`.

`/flaky/…` fails twice for each path before it works; there are no flights to Atlantis.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

asked: Counter[str] = Counter()
bookings = itertools.count(1)


def answer(method: str, path: str, body: Any) -> tuple[int, Any]:
    """Status and JSON of a request."""
    match [unquote(part) for part in path.strip("/").split("/")]:
        case ["flaky", "stock", item]:
            asked[path] += 1
            return (503, {"title": "Busy"}) if asked[path] % 3 else (200, {"item": item, "left": 3})
        case ["hotels" | "flights" as kind, city]:
            return 200, [f"{kind[:-1]} {number} in {city}" for number in (1, 2)]
        case ["weather", city]:
            return 200, {"city": city, "sky": "blue"}
        case ["prices", item]:
            return 200, {"item": item, "price": 10 * len(item)}
        case ["bookings", "flights"] if method == "POST" and body.get("city") == "Atlantis":
            return 404, {"title": "No such city", "detail": "There are no flights to Atlantis."}
        case ["bookings", kind] if method == "POST":
            return 201, {"booking": f"{kind}-{next(bookings)}"}
        case ["bookings", _, booking] if method == "DELETE":
            return 200, {"cancelled": booking}
    return 404, {"title": "Not found"}


class Handler(BaseHTTPRequestHandler):
    """Answers with JSON."""

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        status, value = answer(self.command, self.path, body)
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8090
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
