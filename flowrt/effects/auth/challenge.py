"""Reads the challenges of a `WWW-Authenticate` header (RFC 9110, 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.request import parse_http_list

_START = re.compile(r"(?P<scheme>[!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s+(?P<rest>.*))?$", re.DOTALL)
_PARAMETER = re.compile(r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?P<value>.*)$", re.DOTALL)


def challenges(headers: Iterable[str], scheme: str) -> list[dict[str, str]]:
    """The parameters, names in lower case, of each challenge of `scheme`, in the server's order of preference.

    One header may hold several challenges, and commas separate both challenges and their parameters.
    """
    found: list[dict[str, str]] = []
    for header in headers:
        wanted = False
        for item in parse_http_list(header):
            parameter = _PARAMETER.match(item)
            if parameter is None and (start := _START.match(item)):
                wanted = start["scheme"].lower() == scheme.lower()
                if wanted:
                    found.append({})
                parameter = _PARAMETER.match(start["rest"] or "")
            if wanted and parameter is not None:
                found[-1][parameter["name"].lower()] = _unquoted(parameter["value"].strip())
    return found


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value
