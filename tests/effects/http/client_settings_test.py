"""A client's section of the configuration."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.effects.client import Breaker, ClientSettings, Hosts, Pool, Retries, Timeouts, Tls
from flowrt.effects.client.reading import client_settings


def to_seconds(value: Any) -> float | None:
    if isinstance(value, str) and value.endswith("s"):
        return float(value[:-1])
    return value if isinstance(value, float) else None


def test_nothing_is_the_default() -> None:
    assert client_settings({}, to_seconds) == ClientSettings()


def test_everything() -> None:
    read = client_settings(
        {
            "timeouts": {"connect": "1s", "read": 2.0, "total": None},
            "pool": {"max-connections": 3, "max-idle": 2, "idle": "4s"},
            "tls": {"verify": False, "ca-file": "/ca", "cert-file": "/c", "key-file": "/k", "key-password": "p"},
            "retries": {"count": 2, "backoff": "0.1s", "max-delay": "5s"},
            "breaker": {"failures": 4, "reset": "9s"},
            "hosts": {"allow": ["a"], "deny": ["b"], "deny-link-local": False},
            "http2": True,
            "proxy": "http://p",
            "headers": {"X-A": "1"},
            "user-agent": "me",
            "max-redirects": 1,
            "max_response_bytes": 10,
        },
        to_seconds,
    )
    assert read == ClientSettings(
        timeouts=Timeouts(1.0, 2.0, None),
        pool=Pool(3, 2, 4.0),
        tls=Tls(False, "/ca", "/c", "/k", "p"),
        retries=Retries(2, 0.1, 5.0),
        breaker=Breaker(4, 9.0),
        hosts=Hosts(("a",), ("b",), False),
        http2=True,
        proxy="http://p",
        headers={"X-A": "1"},
        user_agent="me",
        max_redirects=1,
        max_response_bytes=10,
    )


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"timeouts": {"conect": "1s"}}, "timeouts.conect is not a setting .* mean timeouts.connect?"),
        ({"timeouts": "1s"}, "timeouts must be an object"),
        ({"timeouts": {"connect": "soon"}}, "timeouts.connect must be a duration"),
        ({"pool": {"idle": None}}, "pool.idle must be a duration"),
        ({"hosts": {"allow": "a"}}, "hosts.allow must be a list of strings"),
        ({"headers": {"a": 1}}, "headers must be an object of names and strings"),
        ({"max-redirects": "3"}, "max-redirects must be a whole number, not str"),
        ({"max-redirects": True}, "max-redirects must be a whole number, not bool"),
        ({"max-redirects": -1}, "max-redirects must not be negative"),
        ({"http2": "yes"}, "http2 must be true or false"),
    ],
)
def test_what_is_wrong(values: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        client_settings(values, to_seconds)
