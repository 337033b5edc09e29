"""Reads an authentication policy: `{"basic": {...}}`, `{"oauth2": {...}}`, …, and says what is wrong with it.

Invariant: no message holds a value of the policy, only names of its members.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import orjson

from flowrt.core.effect import Json
from flowrt.core.fault import Fault, Faulted

KINDS = ("basic", "bearer", "certificate", "digest", "oauth2", "oidc")

INTERACTIVE = (
    "the grant authorization_code needs a person at a browser, and a workflow has none; "
    "use client_credentials, password, refresh_token or urn:ietf:params:oauth:grant-type:token-exchange"
)


def misconfigured(where: str, what: str) -> Faulted:
    """`configuration`/400 for the member `where` of the policy."""
    return Faulted(Fault.of("configuration", f"authentication {where}: {what}"))


def read_policy(policy: Json) -> tuple[str, Mapping[str, Any]]:
    """The policy's kind and members. Raises `configuration`/400 unless it has exactly one kind."""
    kinds = [kind for kind in KINDS if kind in policy] if isinstance(policy, Mapping) else []
    if len(kinds) != 1:
        raise misconfigured("policy", f"it must have exactly one of {', '.join(KINDS)}")
    members = policy[kinds[0]]
    if not isinstance(members, Mapping):
        raise misconfigured(kinds[0], "it must be an object")
    return kinds[0], members


def policy_digest(policy: Json) -> str:
    """The key under which credentials of this policy are kept."""
    return sha256(orjson.dumps(policy, option=orjson.OPT_SORT_KEYS)).hexdigest()


def text(members: Mapping[str, Any], name: str, where: str) -> str | None:
    """A member that must be a string if it is there."""
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise misconfigured(f"{where}.{name}", "it must be a string")
    return value


def required_text(members: Mapping[str, Any], name: str, where: str) -> str:
    value = text(members, name, where)
    if value is None:
        raise misconfigured(f"{where}.{name}", "it is missing")
    return value


def texts(members: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    """A member that must be a list of strings if it is there."""
    value = members.get(name) or ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise misconfigured(f"{where}.{name}", "it must be a list of strings")
    return tuple(value)


def policy_problems(policy: Json) -> list[str]:
    """What is wrong with a policy as it is written in a definition, by pointer within the policy."""
    if not isinstance(policy, Mapping):
        return []
    return [
        f"/{kind}/grant: {INTERACTIVE}"
        for kind in ("oauth2", "oidc")
        if isinstance(policy.get(kind), Mapping) and policy[kind].get("grant") == "authorization_code"
    ]
