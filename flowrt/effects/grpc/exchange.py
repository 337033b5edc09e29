"""One call on a channel: messages out, messages in, whichever of the two are streams.

Invariant: however it ends, also when its task is cancelled, the call is over at the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flowrt.effects.grpc.method import Method

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from grpc.aio import Channel


async def exchange(
    channel: Channel,
    method: Method,
    requests: Sequence[Message],
    metadata: Sequence[tuple[str, str]],
    timeout_s: float | None,
) -> list[Message]:
    """The replies in their order. Raises grpc's `AioRpcError` for every status but OK."""
    kind = f"{_arity(method.takes_stream)}_{_arity(method.gives_stream)}"
    rpc = getattr(channel, kind)(
        method.path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=method.reply,
    )
    sent: Any = requests if method.takes_stream else requests[0]
    call = rpc(sent, metadata=tuple(metadata), timeout=timeout_s)
    try:
        if method.gives_stream:
            return [reply async for reply in call]
        return [await call]
    finally:
        call.cancel()


def _arity(stream: bool) -> str:
    return "stream" if stream else "unary"
