"""Whom an event may concern: found by type and one value, never by asking everyone that listens."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt import Runtime
from flowrt.core.definition import Subscription
from flowrt.expressions.jq import compile as jq
from flowrt.runtime.index import SubscriptionIndex

HEAD = "document: {dsl: '1.0.3', namespace: test, name: it, version: '1.0.0'}\n"
EVENT = {"specversion": "1.0", "id": "1", "source": "/till", "type": "paid", "subject": "ada", "data": {"id": 7}}


def listening(filter_: str, language: str = "jq") -> str:
    return HEAD + f"evaluate: {{language: {language}}}\ndo: [{{hear: {{listen: {{to: {{one: {filter_}}}}}}}}}]"


@pytest.mark.parametrize(
    "filter_",
    [
        "{with: {type: paid}, correlate: {id: {from: .data.id, expect: '${ .id }'}}}",
        "{with: {type: paid, subject: '${ $workflow.input.who }'}}",
        "{with: {source: /till, subject: '${ $workflow.input.who }'}}",
    ],
)
async def test_one_of_many_is_asked(filter_: str) -> None:
    async with Runtime() as runtime:
        runtime.deploy(listening(filter_))
        for number, who in enumerate(("bob", "cyd", "ada", "dan")):
            await runtime.start("test:it", {"id": number + 5, "who": who}, id=who)
        assert runtime.assembly.worker.index.matches(EVENT) == ["ada"]
        assert await runtime.publish(EVENT)
        assert (await runtime.handle("ada").result(10)).output == [{"id": 7}]
        assert (await runtime.handle("bob").describe())["status"] == "waiting"


@pytest.mark.parametrize(
    ("filter_", "asked"),
    [
        ("{with: {type: paid, subject: ada}}", True),
        ("{with: {type: paid, subject: bob}}", False),
        ("{with: {type: paid, subject: '${ . == $workflow.input.who }'}}", True),
        ("{with: {type: paid, data: '${ .id == 7 }'}}", True),
        ("{with: {type: paid, source: '/{place}'}}", True),
        ("{with: {type: paid, subject: '${ $workflow.input.nobody }'}}", True),
    ],
)
async def test_who_cannot_be_ruled_out_is_asked(filter_: str, asked: bool) -> None:
    async with Runtime() as runtime:
        runtime.deploy(listening(filter_))
        await runtime.start("test:it", {"who": "ada"}, id="it")
        assert list(runtime.assembly.worker.index.matches(EVENT)) == (["it"] if asked else [])


async def test_a_listener_in_another_language_is_asked_and_breaks_nothing() -> None:
    async with Runtime() as runtime:
        correlated = "{with: {type: paid}, correlate: {id: {from: data.data.id, expect: '${ data.id }'}}}"
        runtime.deploy(listening(correlated, "cel"))
        handle = await runtime.start("test:it", {"id": 7})
        assert await runtime.publish(EVENT)
        assert (await handle.result(10)).output == [{"id": 7}]


@pytest.mark.parametrize(
    ("expected", "found"), [(1, 1.0), (1.0, 1), ({"a": [1.0]}, {"a": [1]}), ("1", "1"), (1e300, 1e300)]
)
def test_numbers_that_are_equal_are_found(expected: Any, found: Any) -> None:
    index = SubscriptionIndex(jq)
    index.put("it", [Subscription("paid", ".data", expected)])
    assert list(index.matches({"type": "paid", "data": found})) == ["it"]


def test_an_expression_that_is_not_understood_rules_nobody_out() -> None:
    index = SubscriptionIndex(jq)
    index.put("it", [Subscription("paid", "data.id", 7)])
    assert list(index.matches(EVENT)) == ["it"]
    index.remove("it")
    assert not index.matches(EVENT)
