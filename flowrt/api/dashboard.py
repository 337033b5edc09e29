"""The dashboard's files under /ui. They are for everybody; what they ask the API for is not."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from flowrt.api.context import Context
from flowrt.api.operation import Operation
from flowrt.ui import FILES, SECURITY, content

TAG = "Description"
_HEADERS = {"Content-Security-Policy": SECURITY, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


async def file(_context: Context, request: Request) -> Response:
    """One of them."""
    name, media_type = FILES[request.url.path]
    return Response(content(name), media_type=media_type, headers=_HEADERS)


def _operation(path: str, media_type: str) -> Operation:
    answers = {200: ("The file", {media_type: {"type": "string"}})}
    return Operation("GET", path, file, TAG, "The dashboard", answers, works=False, public=True)


_ALL = {path: _operation(path, media_type) for path, (_, media_type) in FILES.items()}
OPERATIONS = (_ALL.pop("/ui"),)
PARTS = tuple(_ALL.values())
"""What the page loads: of no interest to who reads the description of the API."""
