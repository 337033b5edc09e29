"""Request and Response: one HTTP exchange as values, and how to show them without giving secrets away.

Invariant: nothing here knows the HTTP library, so that importing it costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

Headers = tuple[tuple[str, str], ...]

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""RFC 9110, 9.2.2."""

_SENSITIVE = re.compile(
    r"authorization|cookie|api-?_?key|token|secret|password|credential|signature|(?<!^idempotency)-key$", re.IGNORECASE
)
_SHORTEST_SECRET = 4
"""A shorter text is found in ordinary words, and taking it out of a message would only garble it."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """Who we are to a server that asks for a certificate: PEM texts or paths of PEM files."""

    certificate: str
    key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. `method` is in upper case, `url` absolute; header names are as the caller spelled them."""

    method: str
    url: str
    headers: Headers = field(default=(), repr=False)
    content: bytes = field(default=b"", repr=False)
    follow_redirects: bool = False
    certificate: ClientCertificate | None = None
    sensitive: frozenset[str] = frozenset()
    """Lower-case names of headers that carry a key although their name does not say so."""

    def header(self, name: str) -> str | None:
        return find_header(self.headers, name)

    def with_header(self, name: str, value: str) -> Request:
        """The same request with the header `name` set to `value` only."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return self._with(headers=(*kept, (name, value)))

    def with_certificate(self, certificate: ClientCertificate) -> Request:
        return self._with(certificate=certificate)

    def _with(self, *, headers: Headers | None = None, certificate: ClientCertificate | None = None) -> Request:
        return Request(
            self.method,
            self.url,
            self.headers if headers is None else headers,
            self.content,
            self.follow_redirects,
            certificate or self.certificate,
            self.sensitive,
        )

    def shown(self) -> str:
        """`GET https://host/path`, for messages."""
        return f"{self.method} {shown_url(self.url)}"

    def hides(self, header: str) -> bool:
        """Whether the value of this header must not be shown."""
        return header.lower() in self.sensitive or is_sensitive(header)

    def secrets(self, sent: Headers = ()) -> set[str]:
        """The texts that no message about this request may contain. `sent`: the headers that went out with it."""
        values = [value for name, value in (*self.headers, *sent) if self.hides(name)]
        parts = {part for value in values for part in (value, value.partition(" ")[2])}
        return {part for part in parts if len(part) >= _SHORTEST_SECRET}


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, read to its end and decompressed."""

    status: int
    reason: str
    headers: Headers
    content: bytes
    url: str
    """Where it came from at last, if redirects were followed."""
    sent: Headers = field(default=(), repr=False)
    """The headers that really went out."""

    def header(self, name: str) -> str | None:
        return find_header(self.headers, name)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


def find_header(headers: Headers, name: str) -> str | None:
    """The first value of the header `name`, in whatever case it is spelled."""
    return next((value for key, value in headers if key.lower() == name.lower()), None)


def is_sensitive(header: str) -> bool:
    return _SENSITIVE.search(header) is not None


def shown_url(url: str) -> str:
    """The URL without credentials, query and fragment: keys travel there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(an unreadable URL)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def redacted(text: str, secrets: Iterable[str]) -> str:
    """`text` with every secret in it replaced; the longest first, since one may contain another."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
