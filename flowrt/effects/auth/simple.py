"""The schemes that need no conversation: basic, bearer and client certificate."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from flowrt.core.effect import Effect

from ..client import ClientCertificate, Request, Response
from .policy import misconfigured, required_text, text
from .scheme import Signed, with_credentials


class Basic:
    """RFC 7617, in UTF-8."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        username = required_text(members, "username", "basic")
        if ":" in username:
            raise misconfigured("basic.username", "it must not contain a colon")
        self._credentials = b64encode(f"{username}:{required_text(members, 'password', 'basic')}".encode()).decode()

    async def sign(self, request: Request, effect: Effect | None) -> Signed:
        return with_credentials(request, "Basic", self._credentials)

    def settle(self, signed: Signed, response: Response) -> bool:
        return False


class Bearer:
    """RFC 6750, with a token that the workflow has."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._token = required_text(members, "token", "bearer")

    async def sign(self, request: Request, effect: Effect | None) -> Signed:
        return with_credentials(request, "Bearer", self._token)

    def settle(self, signed: Signed, response: Response) -> bool:
        return False


class Certificate:
    """Mutual TLS: `{"certificate", "key"?, "passphrase"?}`, each PEM text or the path of a PEM file.

    The specification names this policy and leaves its members open; `cert` is understood, too.
    """

    def __init__(self, members: Mapping[str, Any]) -> None:
        certificate = text(members, "certificate", "certificate") or text(members, "cert", "certificate")
        if certificate is None:
            raise misconfigured("certificate.certificate", "it is missing; give PEM text or the path of a PEM file")
        passphrase = text(members, "passphrase", "certificate")
        self._certificate = ClientCertificate(certificate, text(members, "key", "certificate"), passphrase)

    async def sign(self, request: Request, effect: Effect | None) -> Signed:
        return Signed(request.with_certificate(self._certificate))

    def settle(self, signed: Signed, response: Response) -> bool:
        return False
