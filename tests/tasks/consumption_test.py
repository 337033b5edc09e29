"""Which events a listener takes, and how the runtime finds it for an event."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.core.definition import Subscription
from flowrt.core.environment import Environment
from flowrt.core.instance import Instance
from flowrt.core.machine import Machine
from flowrt.core.signal import Arrived, Tick
from tests.core.worlds import compiled, event

MACHINE = Machine(Environment())


def listening(to: Any, input: Any = None, **more: Any) -> Instance:
    instance = Instance("it", compiled({"listen": {"to": to, **more}}), input)
    MACHINE.advance(instance, Tick(), 0.0)
    assert instance.status == "waiting"
    return instance


def offered(instance: Instance, *events: dict[str, Any]) -> Any:
    for each in events:
        MACHINE.advance(instance, Arrived(each), 1.0)
    return instance.output


def one(**with_: Any) -> Any:
    return {"one": {"with": with_}}


@pytest.mark.parametrize(
    ("with_", "data", "taken"),
    [
        ({"type": "a"}, None, True),
        ({"type": "b"}, None, False),
        ({"data": 1}, 1, True),
        ({"data": 1}, 1.0, True),
        ({"data": 1}, True, False),
        ({"data": [1]}, [True], False),
        ({"data": {"x": 1}}, {"x": 1, "y": 2}, False),
        ({"data": "${ .x > 1 }"}, {"x": 2}, True),
        ({"data": "${ .x > 1 }"}, {"x": 1}, False),
        ({"data": "${ .x > 1 }"}, "text", False),
        ({"source": "/test"}, None, True),
        ({"source": "/{who}"}, None, True),
        ({"source": "/{who}/more"}, None, False),
        ({"subject": "x"}, None, False),
    ],
)
def test_a_filter(with_: Any, data: Any, taken: bool) -> None:
    instance = listening(one(**with_), read="envelope")
    offered(instance, event("a", data))
    assert (instance.status == "completed") is taken


def correlated(from_: str, expect: Any = None) -> Any:
    key = {"from": from_} if expect is None else {"from": from_, "expect": expect}
    return {"one": {"with": {"type": "a"}, "correlate": {"key": key}}}


@pytest.mark.parametrize(
    ("from_", "expect", "found"),
    [
        (".data.k", "${ .n }", Subscription("a", ".data.k", 7)),
        ("${ .data.k }", ".n", Subscription("a", ".data.k", 7)),
        (".data.k", "open", Subscription("a", ".data.k", "open")),
        (".data.k", None, Subscription("a")),
        (".data.k + ($context // 0)", ".n", Subscription("a")),
    ],
)
def test_a_subscription_is_as_narrow_as_the_event_allows(from_: str, expect: Any, found: Subscription) -> None:
    instance = listening(correlated(from_, expect), {"n": 7})
    assert MACHINE.subscriptions(instance, 0.0) == [found]


def test_an_expectation_is_of_the_moment_when_listening_began() -> None:
    hear = {"listen": {"to": correlated(".data.k", "${ $context }")}}
    note = {"listen": {"to": one(type="b")}, "export": {"as": "2"}}
    fork = {"fork": {"branches": [{"hear": hear}, {"note": note}]}}
    instance = Instance("it", compiled({"set": {"n": 1}, "export": {"as": "1"}}, fork), None)
    MACHINE.advance(instance, Tick(), 0.0)
    offered(instance, event("b"))
    assert instance.context == 2
    assert MACHINE.subscriptions(instance, 0.0) == [Subscription("a", ".data.k", 1)]
    offered(instance, event("a", {"k": 2}), event("a", {"k": 1}))
    assert instance.output == [[{"k": 1}], [None]]


def test_an_expectation_that_fails_is_the_listeners_fault() -> None:
    instance = Instance("it", compiled({"listen": {"to": correlated(".data.k", "${ .n.m }")}}), {"n": 7})
    MACHINE.advance(instance, Tick(), 0.0)
    assert instance.error is not None
    assert (instance.status, instance.error.status, instance.error.instance) == ("faulted", 400, "/do/0/t0")


def test_a_strange_event_is_no_fault() -> None:
    instance = listening(correlated(".data.k.deep", ".n"), {"n": 7})
    offered(instance, event("a", "text"), event("a", {"k": [1]}))
    assert instance.status == "waiting"
    assert offered(instance, event("a", {"k": {"deep": 7}})) == [{"k": {"deep": 7}}]


def test_all_binds_one_key() -> None:
    def keyed(type_: str) -> Any:
        return {"with": {"type": type_}, "correlate": {"key": {"from": ".data.k"}}}

    instance = listening({"all": [keyed("a"), keyed("b")]})
    offered(instance, event("b", {"k": 1}), event("a", {"k": 2}), event("a", {"k": None}))
    assert instance.status == "waiting"
    assert offered(instance, event("a", {"k": 1})) == [{"k": 1}, {"k": 1}]


def test_an_event_that_ends_it_is_no_output() -> None:
    until = {"all": [{"with": {"type": "x"}}, {"with": {"type": "y"}}]}
    instance = listening({"any": [], "until": until})
    assert [found.type for found in MACHINE.subscriptions(instance, 0.0)] == [None, "x", "y"]
    offered(instance, event("x"), event("a", 1), event("x", 2))
    assert offered(instance, event("y")) == [1, 2]


def test_raw_and_encoded_data() -> None:
    encoded = {"specversion": "1.0", "id": "1", "source": "/test", "type": "a", "data_base64": "aGk="}
    assert offered(listening(one(type="a")), encoded) == ["hi"]
    assert offered(listening(one(type="a"), read="raw"), encoded) == ["aGk="]
    assert offered(listening(one(type="a"), read="raw"), event("a", {"x": 1})) == ['{"x":1}']
