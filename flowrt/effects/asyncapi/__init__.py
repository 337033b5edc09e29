"""Effects of `call: asyncapi`."""

from __future__ import annotations

from flowrt.effects.asyncapi.call import AsyncapiCall

__all__ = ["AsyncapiCall"]
