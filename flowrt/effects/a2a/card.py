"""The agent card: where an agent is, in which version of the protocol it speaks, and what credentials it wants.

Invariant: cards of version 0.3 and 1.0 are read alike (the package does that).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin

import orjson

from flowrt.core.effect import Effect, Json
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.a2a.dialect import V03, V10, Dialect
from flowrt.effects.client import Request
from flowrt.effects.resources import Resources

WELL_KNOWN = ".well-known/agent-card.json"
_DIALECTS: dict[str, Dialect] = {"0": V03, "1": V10}
"""By the first number of the version."""
_UNAUTHENTICATED = 401


@dataclass(frozen=True, slots=True)
class Agent:
    """Where to send JSON-RPC requests, and how they are written. `card` None: nothing is known but the address."""

    url: str
    dialect: Dialect
    card: Any = None

    def with_credentials(self, request: Request, policy: Json) -> tuple[Request, Json]:
        """The request, and the policy that is left to sign it with.

        A bearer token is the key of an agent that knows API keys only; any other policy is used as it is. Raises
        `runtime`/401 when the card wants credentials and there are none.
        """
        wanted = [] if self.card is None else _alternatives(self.card)
        if not wanted or any(not names for names in wanted):
            return request, policy
        schemes = {name: self.card.security_schemes[name] for names in wanted for name in names}
        if policy is None:
            listed = " or ".join(" and ".join(names) for names in wanted)
            detail = f"the agent card of {self.url} wants credentials: {listed}; give authentication with its endpoint"
            raise Faulted(Fault.of("runtime", detail, status=_UNAUTHENTICATED))
        kinds = {scheme.WhichOneof("scheme") for scheme in schemes.values()}
        if "bearer" not in policy or kinds != {"api_key_security_scheme"}:
            return request, policy
        for scheme in schemes.values():
            request = _with_key(request, scheme.api_key_security_scheme, policy["bearer"]["token"])
        return request, None


async def load_agent(
    resources: Resources, uri: str, policy: Json, base_uri: str | None, effect: Effect, method: str
) -> Agent:
    """The agent of the card at `uri`. Raises `Faulted` when it cannot be loaded, or offers nothing we speak."""
    from a2a.client.card_resolver import parse_agent_card
    from google.protobuf.json_format import ParseError

    resource = await resources.load(uri, policy, base_uri, effect)
    try:
        card = parse_agent_card(orjson.loads(resource.content))
    except (ParseError, ValueError) as error:
        raise Faulted(Fault.of("runtime", f"{resource.uri} is no agent card: {error}")) from error
    offers = list(card.supported_interfaces)
    spoken = {
        _DIALECTS[each.protocol_version.partition(".")[0]]: each.url
        for each in reversed(offers)
        if each.protocol_binding == "JSONRPC" and each.protocol_version.partition(".")[0] in _DIALECTS
    }
    if not spoken:
        listed = ", ".join(f"{each.protocol_binding} {each.protocol_version}" for each in offers) or "nothing"
        detail = f"the agent of {resource.uri} offers {listed}; call: a2a speaks JSON-RPC of versions 0.3 and 1.0"
        raise Faulted(Fault.of("runtime", detail))
    # Version 0.3 has the DSL's own methods, but for the one that only 1.0 has.
    preferred = (V10, V03) if method == "tasks/list" else (V03, V10)
    dialect = next(each for each in preferred if each in spoken)
    return Agent(urljoin(resource.uri, spoken[dialect]), dialect, card)


def _alternatives(card: Any) -> Sequence[list[str]]:
    """Any one of them suffices; the schemes of one are all wanted."""
    return [
        [name for name in requirement.schemes if name in card.security_schemes]
        for requirement in card.security_requirements
    ]


def _with_key(request: Request, scheme: Any, key: str) -> Request:
    if scheme.location == "query":
        separator = "&" if "?" in request.url else "?"
        url = f"{request.url}{separator}{quote(scheme.name, safe='')}={quote(key, safe='')}"
        return Request(request.method, url, request.headers, request.content)
    if scheme.location == "cookie":
        return request.with_header("Cookie", f"{scheme.name}={key}")
    headers = (*request.headers, (scheme.name, key))
    return Request(request.method, request.url, headers, request.content, sensitive=frozenset({scheme.name.lower()}))
