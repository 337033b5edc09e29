"""One conversation with an MCP server: the handshake, then the request, and for lists all their pages.

Invariant: what the server answers wrongly or refuses is a returned fault, for an exception would come out of the
transport's task group in the wrapping of the group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from flowrt.core.effect import Json
from flowrt.core.fault import Fault
from flowrt.effects.mcp.arguments import LISTED, Wanted

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.client import Transport

_LONGEST_DATA = 500


async def converse(transport: Transport, wanted: Wanted) -> Json | Fault:
    """The result of the JSON-RPC request. Raises whatever the transport raises, in exception groups."""
    from mcp import ClientSession, MCPError
    from mcp_types import Implementation
    from pydantic import ValidationError

    name, version = wanted.client
    info = Implementation(name=name, version=version)
    async with transport as (read, write), ClientSession(read, write, client_info=info) as session:
        try:
            await _shake_hands(session, wanted.version, info)
            return _judged(await _result(session, wanted), wanted)
        except MCPError as error:
            data = "" if error.data is None else f" ({str(error.data)[:_LONGEST_DATA]})"
            return Fault.of("runtime", f"{wanted.shown}: {error.message}{data} [JSON-RPC error {error.code}]")
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:3])
            return Fault.of("runtime", f"{wanted.shown}: the answer breaks the protocol: {said}")
        except _Unusable as error:
            return Fault.of("runtime", f"{wanted.shown}: {error}")


class _Unusable(Exception):
    """The server follows the protocol, but not to where this call can go."""


async def _shake_hands(session: ClientSession, version: str, info: Any) -> None:
    """`initialize` with the version that the definition wants; versions without a handshake are discovered."""
    from mcp_types import (
        ClientCapabilities,
        InitializedNotification,
        InitializeRequest,
        InitializeRequestParams,
        InitializeResult,
    )
    from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

    if version in MODERN_PROTOCOL_VERSIONS:
        await session.discover()
        return
    parameters = InitializeRequestParams(protocol_version=version, capabilities=ClientCapabilities(), client_info=info)
    agreed = await session.send_request(InitializeRequest(params=parameters), InitializeResult)
    if agreed.protocol_version not in HANDSHAKE_PROTOCOL_VERSIONS:
        known = ", ".join(HANDSHAKE_PROTOCOL_VERSIONS)
        raise _Unusable(f"the server speaks protocol version {agreed.protocol_version}, this runtime {known}")
    session.adopt(agreed)
    await session.send_notification(InitializedNotification())


async def _result(session: ClientSession, wanted: Wanted) -> dict[str, Json]:
    member = LISTED.get(wanted.method)
    if member is None or "cursor" in wanted.parameters:
        return await _request(session, wanted.method, wanted.parameters)
    result = await _request(session, wanted.method, wanted.parameters)
    items, cursors = list(result[member]), set[str]()
    page = result
    while cursor := page.get("nextCursor"):
        if cursor in cursors:
            raise _Unusable(f"the list never ends: the server gives the cursor {cursor!r} again")
        cursors.add(cursor)
        page = await _request(session, wanted.method, {**wanted.parameters, "cursor": cursor})
        items += page[member]
    return {**{name: value for name, value in result.items() if name != "nextCursor"}, member: items}


async def _request(session: ClientSession, method: str, parameters: Mapping[str, Json]) -> dict[str, Json]:
    """The result as the server sent it, once the package has found it to fit the protocol."""
    from mcp_types import Request
    from pydantic import TypeAdapter

    request = Request[dict[str, Any] | None, str](method=method, params=dict(parameters) or None)
    as_sent: TypeAdapter[Any] = TypeAdapter(dict[str, Any])
    return cast("dict[str, Json]", await session.send_request(request, as_sent))


def _judged(result: dict[str, Json], wanted: Wanted) -> Json | Fault:
    if result.get("isError"):
        texts = [part["text"] for part in result.get("content", ()) if part.get("type") == "text"]
        said = "\n".join(texts) or "it failed without a text"
        return Fault.of("runtime", f"{wanted.shown}: tool {wanted.parameters.get('name')!r}: {said}")
    if result.get("resultType") == "input_required":
        return Fault.of("runtime", f"{wanted.shown}: the server asks for input, and a workflow has nobody to give it")
    return result
