"""Responses: JSON as orjson writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

Json = Any


class JsonResponse(Response):
    """A JSON body."""

    media_type = "application/json"

    def __init__(
        self,
        content: Json,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        super().__init__(orjson.dumps(content), status, headers, media_type)
