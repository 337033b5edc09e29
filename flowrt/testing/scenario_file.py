"""Scenario files: a workflow test as YAML, read with everything that is wrong with it.

A definition, its input and its surroundings; what is to come of it. A definition stands in the file, or is the path of
its own file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowrt.compiler.document import Document, Unreadable, read
from flowrt.core import duration

Json = Any

DOCUMENT = {"dsl": "1.0.3", "namespace": "test", "name": "scenario", "version": "0.1.0"}
MEMBERS = ("scenario", "definition", "with", "input", "secrets", "mocks", "events", "signals", "expect")
MOCK = ("call", "match", "output", "error", "after", "times")
SIGNAL = ("at", "do")
SIGNALS = ("suspend", "resume", "cancel")
CALL = ("call", "match", "position", "iteration", "attempt")
EXPECT = ("status", "output", "error", "context", "calls", "events", "tasks", "duration", "invalid")


class InvalidScenario(Exception):
    """The file is no scenario; the message says where and why, one line for each problem."""


@dataclass(frozen=True, slots=True)
class Mock:
    """How calls that match are answered."""

    call: str
    match: Json
    output: Json
    error: Mapping[str, Json] | None
    after_s: float
    times: int | None

    def to_text(self) -> str:
        """It, for a message."""
        return self.call if self.match is None else f"{self.call} {to_text(self.match)}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A workflow test."""

    path: Path
    title: str
    source: str
    """The text of the definition."""
    definition_file: str
    """Where the definition stands."""
    document: Document | None
    """Where the parts of a definition stand that is inside the scenario's file."""
    others: Sequence[str]
    """The texts of the sub-workflows."""
    input: Json
    secrets: Mapping[str, Json]
    mocks: Sequence[Mock]
    events: Sequence[tuple[float | None, dict[str, Json]]]
    """When (seconds from the start; None: once the workflow listens), and the event."""
    signals: Sequence[tuple[float, str]]
    expect: Mapping[str, Json]


def load(path: str | Path) -> Scenario:
    """Reads a scenario file. Raises `InvalidScenario`, and `OSError` when there is no such file."""
    path = Path(path)
    try:
        document = read(path.read_bytes())
    except Unreadable as error:
        place = "" if error.line is None else f":{error.line}:{error.column}"
        raise InvalidScenario(f"{path}{place}: {error}") from None
    reading = _Reading(path, document)
    scenario = reading.scenario()
    if reading.problems:
        raise InvalidScenario("\n".join(reading.problems))
    return scenario


def to_text(value: Json) -> str:
    """A value for a message, on one line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else text[:397] + "…"


class _Reading:
    """Reads one file; collects its problems."""

    def __init__(self, path: Path, document: Document) -> None:
        self.path, self.document = path, document
        self.problems: list[str] = []

    def scenario(self) -> Scenario:
        data = self._object(self.document.data, "", MEMBERS, ("definition", "expect"))
        source, file, inside = self._definition(data.get("definition", {}), "/definition")
        others = [self._definition(each, f"/with/{at}")[0] for at, each in enumerate(self._array(data, "with"))]
        expect = self._expect(data.get("expect", {}))
        return Scenario(
            self.path,
            str(data.get("scenario") or self.path.stem),
            source,
            file,
            self.document if inside else None,
            others,
            data.get("input", {}),
            self._object(data.get("secrets", {}), "/secrets"),
            [self._mock(each, f"/mocks/{at}") for at, each in enumerate(self._array(data, "mocks"))],
            [self._event(each, at) for at, each in enumerate(self._array(data, "events"))],
            [self._signal(each, f"/signals/{at}") for at, each in enumerate(self._array(data, "signals"))],
            expect,
        )

    def _definition(self, value: Json, pointer: str) -> tuple[str, str, bool]:
        """The text of a definition, its file, and whether that is the scenario's own."""
        if isinstance(value, str):
            file = self.path.parent / value
            try:
                return file.read_text(encoding="utf-8"), str(file), False
            except (OSError, UnicodeDecodeError) as error:
                self._problem(pointer, f"the definition {file} cannot be read: {error}")
                return "{}", str(file), False
        if isinstance(value, dict):
            value = {**value, "document": value.get("document", DOCUMENT)}
        # JSON is YAML, but for one character that YAML does not print.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f"), str(self.path), True

    def _mock(self, value: Json, pointer: str) -> Mock:
        mock = self._object(value, pointer, MOCK, ("call",))
        if ("output" in mock) == ("error" in mock):
            self._problem(pointer, "a mock has either 'output' or 'error'")
        error = mock.get("error")
        if error is not None:
            error = self._object(error, f"{pointer}/error", ("type", "status", "title", "detail"), ("type",))
        times = mock.get("times")
        if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
            self._problem(f"{pointer}/times", f"expected a number of at least 1, found {times!r}")
        after_s = self._duration(mock["after"], f"{pointer}/after") if "after" in mock else 0.0
        return Mock(str(mock.get("call")), mock.get("match"), mock.get("output"), error, after_s, times)

    def _event(self, value: Json, at: int) -> tuple[float | None, dict[str, Json]]:
        event = dict(self._object(value, f"/events/{at}", None, ("type", "source")))
        time_s = self._duration(event.pop("at"), f"/events/{at}/at") if "at" in event else None
        return time_s, {"specversion": "1.0", "id": f"event-{at}", **event}

    def _signal(self, value: Json, pointer: str) -> tuple[float, str]:
        signal = self._object(value, pointer, SIGNAL, SIGNAL)
        verb = signal.get("do", SIGNALS[0])
        if verb not in SIGNALS:
            self._problem(f"{pointer}/do", f"expected one of {', '.join(SIGNALS)}, found {verb!r}")
        return self._duration(signal.get("at", "PT0S"), f"{pointer}/at"), verb

    def _expect(self, value: Json) -> Mapping[str, Json]:
        expect = self._object(value, "/expect", EXPECT)
        if not expect:
            self._problem("/expect", f"nothing is expected; its properties are {', '.join(EXPECT)}")
        for name in ("calls", "events", "tasks", "invalid"):
            if not isinstance(expect.get(name, []), list):
                self._problem(f"/expect/{name}", "expected an array")
                return {}
        for at, call in enumerate(expect.get("calls", ())):
            self._object(call, f"/expect/calls/{at}", CALL)
        for at, problem in enumerate(expect.get("invalid", ())):
            self._object(problem, f"/expect/invalid/{at}", ("position", "contains"))
        if "duration" in expect:
            return {**expect, "duration": self._duration(expect["duration"], "/expect/duration")}
        return expect

    def _object(
        self, value: Json, pointer: str, known: Sequence[str] | None = None, required: Sequence[str] = ()
    ) -> dict[str, Json]:
        if not isinstance(value, dict):
            self._problem(pointer, f"expected an object, found {type(value).__name__}")
            return {}
        for name in value:
            if known is not None and name not in known:
                self._problem(f"{pointer}/{name}", f"unknown property '{name}'; its properties are {', '.join(known)}")
        for name in required:
            if name not in value:
                self._problem(pointer, f"the required property '{name}' is missing")
        return value

    def _array(self, data: dict[str, Json], name: str) -> list[Json]:
        value = data.get(name, [])
        if isinstance(value, list):
            return value
        self._problem(f"/{name}", f"expected an array, found {type(value).__name__}")
        return []

    def _duration(self, value: Json, pointer: str) -> float:
        seconds = duration.from_json(value)
        if seconds is None:
            self._problem(pointer, f"{value!r} is no duration such as PT5S")
        return seconds or 0.0

    def _problem(self, pointer: str, message: str) -> None:
        mark = self.document.mark(pointer)
        place = "" if mark is None else f":{mark[0]}:{mark[1]}"
        self.problems.append(f"{self.path}{place}: {pointer or '/'}: {message}.")
