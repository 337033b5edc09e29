"""The Mermaid drawing of a definition: every task stands in it once, and every arrow leads somewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowrt.compiler import compile_text
from flowrt.graph import mermaid
from flowrt.testing.play import languages

EXAMPLES = sorted((Path(__file__).parent.parent / "workflows").glob("*.yaml"))
SET = {"set": {"n": 1}}


def drawing(tasks: list[Any], **more: Any) -> str:
    document = {"dsl": "1.0.3", "namespace": "test", "name": "it", "version": "1.0.0"}
    return mermaid(compile_text(json.dumps({"document": document, **more, "do": tasks}), languages()))


def arrows(text: str) -> list[tuple[str, str, str]]:
    """From, what is written on it, to."""
    found = re.findall(r'^\s*(\w+) (?:-->|-\. "\w+" \.->)(?:\|"([^"]*)"\|)? (\w+)$', text, re.MULTILINE)
    assert len(found) == text.count("-->") + text.count(".->")
    return found


def nodes(text: str) -> list[str]:
    return re.findall(r"^\s*(?:subgraph )?(\w+) ?[\[({]", text, re.MULTILINE)


def named(text: str) -> dict[str, str]:
    """The names of tasks by their nodes."""
    return dict(re.findall(r'^\s*(?:subgraph )?(\w+) ?[\[({/]+"(.*?)(?:<br/>| )<i>', text, re.MULTILINE))


def steps(text: str) -> Iterator[str]:
    """The arrows with the names of the tasks."""
    names = {"start": "start", "finish": "finish"}
    for node, name in named(text).items():
        names |= {node: name, f"{node}_in": f"into {name}", f"{node}_out": f"out of {name}"}
    for before, said, after in arrows(text):
        yield f"{names[before]} -{said}> {names[after]}"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_arrow_leads_from_a_node_to_a_node(example: Path) -> None:
    text = mermaid(compile_text(example.read_text(), languages()))
    there = nodes(text)
    assert len(there) == len(set(there))
    assert {end for before, _, after in arrows(text) for end in (before, after)} <= {*there}
    lines = [line.strip() for line in text.splitlines()]
    assert lines.count("end") == sum(line.startswith("subgraph ") for line in lines)


def test_a_list_with_directives() -> None:
    tasks = [{"a": {**SET, "then": "c"}}, {"b": {**SET, "then": "end"}}, {"c": {**SET, "then": "b"}}]
    assert list(steps(drawing(tasks))) == ["start -> a", "a -> c", "b -> finish", "c -> b"]


def test_a_switch_has_an_arrow_for_each_case() -> None:
    cases = [{"big": {"when": ".n > 1", "then": "b"}}, {"small": {"when": ".n < 1", "then": "exit"}}]
    tasks = [{"choose": {"switch": cases}}, {"a": SET}, {"b": SET}]
    found = list(steps(drawing(tasks)))
    assert found[1:4] == ["choose -big> b", "choose -small> finish", "choose -else> a"]


def test_branches_begin_and_end_together() -> None:
    tasks = [{"both": {"fork": {"branches": [{"a": SET}, {"b": SET}]}}}]
    found = list(steps(drawing(tasks)))
    inside = ["into both -> a", "a -> out of both", "into both -> b", "b -> out of both"]
    assert found == ["start -> into both", *inside, "out of both -> finish"]


def test_what_is_caught_is_handled_and_what_is_raised_goes_no_further() -> None:
    error = {"type": "https://example.com/errors/it", "status": 400}
    caught = {"do": [{"tidy": SET}, {"fail": {"raise": {"error": error}}}]}
    text = drawing([{"safely": {"try": [{"a": SET}], "catch": caught}}])
    assert '_in -. "caught" .-> ' in text
    inside = ["into safely -> a", "a -> out of safely", "into safely -> tidy", "tidy -> fail"]
    assert list(steps(text)) == ["start -> into safely", *inside, "out of safely -> finish"]


def test_what_the_machine_needs_for_itself_is_not_drawn() -> None:
    extension = [{"log": {"extend": "all", "before": [{"told": SET}]}}]
    assert list(named(drawing([{"a": SET}], use={"extensions": extension})).values()) == ["a"]
    endpoint = {"document": {"endpoint": "https://example.com/async.json"}, "operation": "hear"}
    call = {**endpoint, "subscription": {"consume": {"amount": 1}, "foreach": {"do": [{"note": SET}]}}}
    text = drawing([{"hear": {"call": "asyncapi", "with": call}}])
    assert list(named(text).values()) == ["hear", "note"]
    assert list(steps(text))[1:3] == ["into hear -> note", "note -> out of hear"]


def test_names_are_text() -> None:
    assert named(drawing([{'say "<b>"': SET}])) == {"t0": "say &quot;&lt;b&gt;&quot;"}
