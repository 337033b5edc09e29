"""The answer of an agent: one JSON-RPC response, or a stream of them as server-sent events.

Source: the JSON-RPC 2.0 specification; "Server-sent events" of the HTML standard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from flowrt.core.effect import Json
from flowrt.effects.client import Response

_MOST_SAID = 2048


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no result. `code` is JSON-RPC's, if it is an error of that kind, and `status` HTTP's."""

    said: str
    status: int
    code: int | None = None


def results_of(response: Response, *, streams: bool) -> list[Json] | Failure:
    """The results in their order, or the first failure. There is at least one unless the method `streams`."""
    kind = (response.header("content-type") or "").partition(";")[0].strip().lower()
    if kind == "text/event-stream" and response.status < 300:
        parts: list[bytes] = list(_events(response.content))
    else:
        parts = [response.content]
    results = []
    for part in parts:
        result = _result(part, response)
        if isinstance(result, Failure):
            return result
        results.append(result[0])
    return results if results or streams else Failure("the answer is an empty stream", 502)


def _result(content: bytes, response: Response) -> tuple[Json] | Failure:
    try:
        answer = orjson.loads(content)
    except ValueError:
        answer = None
    ok = 200 <= response.status < 300
    if isinstance(answer, dict) and isinstance(error := answer.get("error"), dict):
        data = f" ({_shown(error['data'])})" if error.get("data") is not None else ""
        code = error.get("code")
        said = f"{error.get('message') or 'error'}{data} [JSON-RPC error {code}]"
        return Failure(said, 500 if ok else response.status, code if isinstance(code, int) else None)
    if not ok:
        text = content[:_MOST_SAID].decode("utf-8", "replace").strip()
        return Failure(f"HTTP {response.status} {response.reason}" + (f": {text}" if text else ""), response.status)
    if isinstance(answer, dict) and answer.get("jsonrpc") == "2.0":
        # A result that is null may be left out by servers that drop null members.
        return (answer.get("result"),)
    return Failure("the answer is no JSON-RPC response", 502)


def _shown(data: Json) -> str:
    return orjson.dumps(data).decode()[:_MOST_SAID]


def _events(content: bytes) -> Iterator[bytes]:
    """The data of each event that has some."""
    data: list[bytes] = []
    for line in [*content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"), b""]:
        if not line and data:
            yield b"\n".join(data)
            data = []
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
