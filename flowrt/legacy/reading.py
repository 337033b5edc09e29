"""Reading: a 0.8 document as plain JSON, read by `serverlessworkflow-sdk`, which fills in the defaults of 0.8.

The SDK refuses some of what 0.8 allows (lists of error references, lists of correlations, an object as input schema):
these pass around it under names it does not know, and come back as they were.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flowrt.legacy.notes import Note

Json = Any

INSTALL = "pip install 'flowrt[legacy]'"
STATES = ("operation", "switch", "sleep", "event", "inject", "foreach", "parallel", "callback")
SHARED = ("functions", "events", "retries", "errors", "auth", "secrets", "constants", "timeouts")
"""What may stand in a file of its own, named by a URI."""
AROUND = "x-around-"
"""The prefix of members that pass around the SDK."""


class SdkMissing(Exception):
    """`serverlessworkflow-sdk` is not installed; the message says how to install it."""


class Unreadable(Exception):
    """The document is no Serverless Workflow 0.8; `problems` says why."""

    def __init__(self, problems: list[Note]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def read(text: str, folder: Path | None = None) -> dict[str, Json]:
    """The document with its defaults. `folder`: where the files it names stand. Raises `Unreadable`, `SdkMissing`."""
    import yaml

    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Unreadable([Note("", f"this is neither YAML nor JSON: {error}")]) from None
    problems = list(_problems(data))
    if problems:
        raise Unreadable(problems)
    for name in SHARED:
        if isinstance(data.get(name), str):
            data = {**data, name: _elsewhere(data[name], name, folder)}
    found: dict[str, Json] = _restored(_plain(_by_the_sdk(_around(data))))
    # The SDK takes the opposite of 0.8 for the default.
    return found if "keepActive" in data else {name: found[name] for name in found if name != "keepActive"}


def _problems(data: Json) -> Iterator[Note]:
    if not isinstance(data, Mapping):
        yield Note("", "a workflow is an object")
        return
    if isinstance(data.get("document"), Mapping) and "dsl" in data["document"]:
        yield Note("/document", "this is DSL 1.0 already")
        return
    if not (data.get("id") or data.get("key")):
        yield Note("", "neither 'id' nor 'key' is given")
    states = data.get("states")
    if not isinstance(states, list) or not states:
        yield Note("/states", "a workflow has at least one state")
        return
    names: set[str] = set()
    for at, state in enumerate(states):
        where = f"/states/{at}"
        if not isinstance(state, Mapping) or not isinstance(state.get("name"), str):
            yield Note(where, "a state is an object with a 'name'")
            continue
        if state["name"] in names:
            yield Note(f"{where}/name", f"there are two states '{state['name']}'")
        names.add(state["name"])
        if state.get("type") not in STATES:
            known = ", ".join(STATES)
            yield Note(f"{where}/type", f"{state.get('type')!r} is no type of a state; they are {known}")
        elif state["type"] == "switch" and not (state.get("dataConditions") or state.get("eventConditions")):
            yield Note(where, "a switch has either 'dataConditions' or 'eventConditions'")


def _elsewhere(uri: str, name: str, folder: Path | None) -> Json:
    """What stands in a file that the document names."""
    import yaml

    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or folder is None:
        raise Unreadable([Note(f"/{name}", f"'{uri}' is not fetched: save it beside the workflow and name that file")])
    path = folder / f"{parts.netloc}{parts.path}"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Unreadable([Note(f"/{name}", f"{path} cannot be read: {error}")]) from None
    return content.get(name, content) if isinstance(content, Mapping) else content


def _around(value: Json, inside: str = "") -> Json:
    """The document without what the SDK trips over."""
    if isinstance(value, list):
        return [_around(item, inside) for item in value]
    if not isinstance(value, Mapping):
        return value
    shaped: dict[str, Json] = {}
    for name, member in value.items():
        trips = (
            (name == "errorRefs" and inside == "onErrors")
            or (name == "correlation" and isinstance(member, list))
            or (name == "dataInputSchema" and isinstance(member, Mapping))
            or (name == "data" and not isinstance(member, str | dict))
        )
        shaped[f"{AROUND}{name}" if trips else name] = member if trips else _around(member, name)
    return shaped


def _by_the_sdk(data: dict[str, Json]) -> Json:
    try:
        sdk = importlib.import_module("serverlessworkflow.sdk.workflow")
    except ImportError:
        raise SdkMissing(
            f"0.8 documents are read with serverlessworkflow-sdk: {INSTALL} "
            "(in a virtual environment of its own, because that package pins old versions of others)"
        ) from None
    try:
        return sdk.Workflow(**data)
    except Exception as error:  # the SDK raises bare exceptions for whatever it does not expect
        raise Unreadable([Note("", f"serverlessworkflow-sdk cannot read it: {error}")]) from None


def _plain(value: Json) -> Json:
    """The SDK's objects as JSON."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(member) for name, member in value.items()}
    if hasattr(value, "__dict__"):
        return {name: _plain(member) for name, member in vars(value).items() if not name.startswith("_")}
    return value


def _restored(value: Json) -> Json:
    if isinstance(value, list):
        return [_restored(item) for item in value]
    if isinstance(value, Mapping):
        return {name.removeprefix(AROUND): _restored(member) for name, member in value.items()}
    return value
