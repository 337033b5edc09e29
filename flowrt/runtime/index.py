"""The subscription index: which instances an event may concern, without asking every one.

An entry costs its key and its id; an event costs one look-up per distinct correlation expression of its type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from flowrt.core.definition import Subscription
from flowrt.core.expression import Expression, ExpressionFailed, InvalidExpression

Json = Any
EventKey = tuple[str, str]
_Key = tuple[str | None, str | None, str]
_MOST_EXACT = 2.0**53
"""From here on a number may stand for its neighbours, and an integer be more than JSON's encoder takes."""


class SubscriptionIndex:
    """Instances by event type and correlation value."""

    def __init__(self, compile_expression: Callable[[str], Expression]) -> None:
        self._compile = compile_expression
        self._ids: dict[_Key, dict[str, None]] = {}
        """Insertion order is the order in which instances began to listen."""
        self._keys: dict[str, tuple[_Key, ...]] = {}
        self._expressions: dict[str | None, dict[str, int]] = {}
        """Type -> correlation expressions in use, with how many entries use each."""

    def __contains__(self, id_: str) -> bool:
        return id_ in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, id_: str, subscriptions: Iterable[Subscription]) -> None:
        """Replaces what an instance listens for."""
        keys = tuple(dict.fromkeys(self._key(subscription) for subscription in subscriptions))
        if keys == self._keys.get(id_, ()):
            return
        self.remove(id_)
        if not keys:
            return
        self._keys[id_] = keys
        for key in keys:
            self._ids.setdefault(key, {})[id_] = None
            if key[1] is not None:
                used = self._expressions.setdefault(key[0], {})
                used[key[1]] = used.get(key[1], 0) + 1

    def remove(self, id_: str) -> None:
        """Forgets an instance."""
        for key in self._keys.pop(id_, ()):
            ids = self._ids[key]
            ids.pop(id_, None)
            if not ids:
                del self._ids[key]
            if key[1] is not None:
                used = self._expressions[key[0]]
                used[key[1]] -= 1
                if not used[key[1]]:
                    del used[key[1]]

    def matches(self, event: dict[str, Json]) -> Sequence[str]:
        """Ids of the instances it may concern, in the order in which they began to listen."""
        found: dict[str, None] = {}
        for type_ in (event.get("type"), None):
            found.update(self._ids.get((type_, None, ""), {}))
            for source in self._expressions.get(type_, {}):
                value = self.value(source, event)
                if value is not None:
                    found.update(self._ids.get((type_, source, _canonical(value)), {}))
        return list(found)

    def _key(self, subscription: Subscription) -> _Key:
        if subscription.expression is None or not self.understood(subscription.expression):
            return subscription.type, None, ""
        return subscription.type, subscription.expression, _canonical(subscription.value)

    def understood(self, source: str) -> bool:
        """Whether it can be compiled here."""
        # What is stored may come from another version, which knew of other languages.
        try:
            self._compile(source)
        except InvalidExpression:
            return False
        return True

    def value(self, source: str, event: dict[str, Json]) -> Json:
        """What an expression gives for an event; None: nothing."""
        try:
            return self._compile(source).evaluate(event, lambda name: None)
        except ExpressionFailed:
            return None


class EventIndex:
    """Events by type and correlation value: the other way round. An event costs its key until someone correlates."""

    def __init__(self, listeners: SubscriptionIndex) -> None:
        self._listeners = listeners
        self._events: dict[str, dict[EventKey, dict[str, Json]]] = {}
        """By type, in the order in which they came."""
        self._values: dict[tuple[str, str], dict[str, dict[EventKey, None]]] = {}
        """(type, expression) -> value -> keys, for the expressions that have been asked for."""

    def put(self, event: dict[str, Json]) -> None:
        """Adds an event, which is the latest."""
        type_, key = event["type"], key_of(event)
        self._events.setdefault(type_, {})[key] = event
        for (of, source), values in self._values.items():
            if of == type_:
                self._add(values, source, event)

    def remove(self, event: dict[str, Json]) -> None:
        """Forgets an event."""
        type_, key = event["type"], key_of(event)
        of_type = self._events[type_]
        del of_type[key]
        if not of_type:
            del self._events[type_]
        for place in [place for place in self._values if place[0] == type_]:
            if of_type:
                self._take_out(self._values[place], place[1], event)
            else:
                del self._values[place]

    def matches(self, subscription: Subscription) -> list[dict[str, Json]]:
        """The events that a subscription may concern; those of one type in the order in which they came."""
        types = list(self._events) if subscription.type is None else [subscription.type]
        return [event for type_ in types for event in self._of_type(type_, subscription)]

    def _of_type(self, type_: str, subscription: Subscription) -> list[dict[str, Json]]:
        events = self._events.get(type_, {})
        source = subscription.expression
        if source is None or not self._listeners.understood(source):
            return list(events.values())
        values = self._values.get((type_, source))
        if values is None:
            values = self._values[type_, source] = {}
            for event in events.values():
                self._add(values, source, event)
        return [events[key] for key in values.get(_canonical(subscription.value), {})]

    def _add(self, values: dict[str, dict[EventKey, None]], source: str, event: dict[str, Json]) -> None:
        value = self._listeners.value(source, event)
        if value is not None:
            values.setdefault(_canonical(value), {})[key_of(event)] = None

    def _take_out(self, values: dict[str, dict[EventKey, None]], source: str, event: dict[str, Json]) -> None:
        value = self._listeners.value(source, event)
        if value is not None:
            keys = values[_canonical(value)]
            del keys[key_of(event)]
            if not keys:
                del values[_canonical(value)]


def key_of(event: dict[str, Json]) -> EventKey:
    """What makes an event the same as another (CloudEvents 1.0, "id")."""
    return event["source"], event["id"]


def _canonical(value: Json) -> str:
    # As text, since orjson's bytes keep the room they were written in: 4 KB each.
    return orjson.dumps(_alike(value), option=orjson.OPT_SORT_KEYS).decode()


def _alike(value: Json) -> Json:
    """The value with 1.0 as 1: to jq they are equal."""
    match value:
        case float():
            return int(value) if value.is_integer() and abs(value) < _MOST_EXACT else value
        case dict():
            return {name: _alike(member) for name, member in value.items()}
        case list():
            return [_alike(item) for item in value]
    return value
