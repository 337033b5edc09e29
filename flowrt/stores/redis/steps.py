"""Steps: changes that a Redis server makes whole or not at all, after it has checked that they may be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from flowrt.stores.redis.layout import Layout


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a commit was not made: another token is current, or instances have other revisions."""

    current_token: int | None = None
    stale: Sequence[int] = ()
    """The instances, by their place in the layout."""


class Steps(Protocol):
    """One way to make them; which one depends on the server."""

    async def commit(self, layout: Layout) -> Refusal | None:
        """Writes it; None also if it was written before."""
        ...

    async def delete(self, ids: Sequence[bytes]) -> int:
        """Removes instances and all that finds them; how many there were."""
        ...

    async def acquire(self, holder: str, ttl_ms: int) -> int:
        """The next token, or 0 while another holder has the lease."""
        ...

    async def renew(self, token: int, ttl_ms: int) -> bool:
        """Prolongs the lease if the token is current."""
        ...

    async def release(self, token: int) -> None:
        """Ends the lease if the token is current."""
        ...
