"""Entries and subscriptions as JSON, for the stores that keep them as bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson

from flowrt.core.definition import Subscription
from flowrt.core.records import BrokenRecord
from flowrt.stores.codec import Codec
from flowrt.stores.protocol import Entry

Json = Any
_PLAIN = Codec()


def entry_to(entry: Entry) -> bytes:
    """JSON; the same entry gives the same bytes."""
    try:
        return orjson.dumps(entry)
    except TypeError:  # a lone surrogate in a tag
        return json.dumps(asdict(entry)).encode()


def entry_from(text: bytes) -> Entry:
    """Raises `BrokenRecord`."""
    try:
        return Entry(**_PLAIN.decode(text))
    except (ValueError, TypeError) as error:
        raise BrokenRecord(f"the entry is damaged: {error}") from error


def subscriptions_to(subscriptions: Sequence[Subscription]) -> bytes:
    """JSON: type, expression and value of each."""
    return _PLAIN.encode([[each.type, each.expression, each.value] for each in subscriptions])


def subscriptions_from(text: bytes) -> list[Subscription]:
    """Raises `BrokenRecord`."""
    try:
        return [Subscription(*parts) for parts in _PLAIN.decode(text)]
    except (ValueError, TypeError) as error:
        raise BrokenRecord(f"the subscriptions are damaged: {error}") from error


def unlisted(id_: str) -> Entry:
    """Stands for an instance whose entry cannot be read: it is listed, so that who loads it learns what is wrong."""
    return Entry(id_, "", "", "", "", "workflow", "pending", 0.0)
