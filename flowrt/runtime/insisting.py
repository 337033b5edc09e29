"""Insisting: a store that cannot be reached is asked again and again by what has nobody to tell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from flowrt.stores.protocol import StoreUnavailable

log = logging.getLogger("flowrt.store")
T = TypeVar("T")

AGAIN_S = 1.0
"""How long to wait for a store that does not answer."""


async def insist(what: str, call: Callable[[], Awaitable[T]]) -> T:
    """The result of `call`, made once more after each `StoreUnavailable`; `what` waits for it, as the log says."""
    while True:
        try:
            return await call()
        except StoreUnavailable as error:
            log.error("%s has to wait: %s", what, error)
            await asyncio.sleep(AGAIN_S)
