"""Digest authentication (RFC 7616): answers a server's challenge, and reuses its nonce for the calls that follow.

Written here because httpx's own lacks `auth-int` and forgets the nonce count of a challenge shared by many calls.
Invariant: a nonce is never used twice with the same count.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from flowrt.core.effect import Effect

from ..client import Request, Response
from .challenge import challenges
from .policy import required_text
from .scheme import Signed, with_credentials

_HASHES: Mapping[str, Callable[[bytes], str]] = {
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}
"""The strongest first."""
_UNQUOTED = frozenset({"algorithm", "qop", "nc", "userhash"})
_MOST_ORIGINS = 256


@dataclass(slots=True)
class _Session:
    """What one server asked for, and how often its nonce has been used."""

    realm: str
    nonce: str
    algorithm: str
    qop: str | None
    opaque: str | None
    userhash: bool
    cnonce: str = field(default_factory=lambda: secrets.token_hex(16))
    """One per nonce: the `-sess` algorithms bind the key to the first."""
    count: int = 0


class Digest:
    """The policy `{"digest": {"username", "password"}}`, with a session per origin."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._username = required_text(members, "username", "digest")
        self._password = required_text(members, "password", "digest")
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    async def sign(self, request: Request, effect: Effect | None) -> Signed:
        """The first request to a server goes out without credentials, to be challenged."""
        session = self._sessions.get(_origin(request))
        if session is None:
            return Signed(request)
        session.count += 1
        return with_credentials(request, "Digest", self._answer(session, request))

    def settle(self, signed: Signed, response: Response) -> bool:
        origin = _origin(signed.request)
        if response.status != 401:
            self._adopt_next_nonce(origin, response)
            return False
        session = _best(challenges(response.all("www-authenticate"), "Digest"))
        if session is None:
            return False
        challenged = self._sessions.get(origin)
        known = challenged is not None and challenged.nonce == session.nonce
        if not known:
            self._sessions[origin] = session
            if len(self._sessions) > _MOST_ORIGINS:
                self._sessions.popitem(last=False)
        # With credentials for this very nonce the answer would be no again; another call may have met it meanwhile.
        return not known or signed.authorization is None or session.nonce not in signed.authorization["parameter"]

    def _adopt_next_nonce(self, origin: str, response: Response) -> None:
        session = self._sessions.get(origin)
        info = challenges([f"Digest {response.header('authentication-info') or ''}"], "Digest")[0]
        if session is not None and (nonce := info.get("nextnonce")):
            session.nonce, session.count, session.cnonce = nonce, 0, secrets.token_hex(16)

    def _answer(self, session: _Session, request: Request) -> str:
        name, _, variant = session.algorithm.upper().rpartition("-")
        digest = _HASHES[name if variant == "SESS" else session.algorithm.upper()]
        target = httpx.URL(request.url).raw_path.decode("ascii")
        count = f"{session.count:08x}"
        key = digest(f"{self._username}:{session.realm}:{self._password}".encode())
        if variant == "SESS":
            key = digest(f"{key}:{session.nonce}:{session.cnonce}".encode())
        subject = f"{request.method}:{target}"
        if session.qop == "auth-int":
            subject += f":{digest(request.content)}"
        parts = [key, session.nonce, digest(subject.encode())]
        if session.qop is not None:
            parts[2:2] = [count, session.cnonce, session.qop]
        username = digest(f"{self._username}:{session.realm}".encode()) if session.userhash else self._username
        members = {
            "username": username,
            "realm": session.realm,
            "nonce": session.nonce,
            "uri": target,
            "algorithm": session.algorithm,
            "response": digest(":".join(parts).encode()),
            "opaque": session.opaque,
            "userhash": "true" if session.userhash else None,
        }
        if session.qop is not None:
            members |= {"qop": session.qop, "nc": count}
        if session.qop is not None or variant == "SESS":
            members["cnonce"] = session.cnonce
        return ", ".join(_written(member, value) for member, value in members.items() if value is not None)


def _best(offers: list[dict[str, str]]) -> _Session | None:
    """The strongest challenge that we can answer."""
    strength = list(_HASHES)
    usable = [session for offer in offers if (session := _session(offer)) is not None]
    return min(usable, key=lambda each: strength.index(each.algorithm.upper().removesuffix("-SESS")), default=None)


def _session(offer: dict[str, str]) -> _Session | None:
    algorithm = offer.get("algorithm", "MD5")
    if algorithm.upper().removesuffix("-SESS") not in _HASHES or "nonce" not in offer or "realm" not in offer:
        return None
    offered = [each.strip().lower() for each in offer["qop"].split(",")] if offer.get("qop") else []
    qop = next((each for each in ("auth", "auth-int") if each in offered), None)
    if offered and qop is None:
        return None
    userhash = offer.get("userhash", "").lower() == "true"
    return _Session(offer["realm"], offer["nonce"], algorithm, qop, offer.get("opaque"), userhash)


def _origin(request: Request) -> str:
    url = httpx.URL(request.url)
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _written(name: str, value: str) -> str:
    if name in _UNQUOTED:
        return f"{name}={value}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'
