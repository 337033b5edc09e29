"""The source: a 0.8 document with its definitions by name, the settings of a conversion and what it notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowrt.core import duration
from flowrt.legacy.expressions import Expressions
from flowrt.legacy.merging import Merging
from flowrt.legacy.notes import Notes

Json = Any


@dataclass(slots=True)
class Source:
    """Everything a converter asks for."""

    data: Mapping[str, Json]
    namespace: str
    expressions: Expressions
    merging: Merging
    notes: Notes = field(default_factory=Notes)
    default_retry_used: bool = False
    """Whether an action is retried by the policy that 0.8 recommends where none is named."""

    @classmethod
    def of(cls, data: Mapping[str, Json], namespace: str, replace_arrays: bool) -> Source:
        functions = {
            each["name"]: each["operation"]
            for each in _list(data, "functions")
            if each.get("type") == "expression" and isinstance(each.get("operation"), str)
        }
        expressions = Expressions(functions)
        return cls(data, namespace, expressions, Merging(expressions, replace_arrays))

    def find(self, section: str, name: Json, where: str) -> Mapping[str, Json]:
        """The definition of that name; a missing one is a problem of the document."""
        for each in _list(self.data, section):
            if each.get("name") == name:
                return each
        self.notes.problem(where, f"there is no definition '{name}' under '{section}'")
        return {"name": str(name)}

    def section(self, name: str) -> list[Mapping[str, Json]]:
        """All definitions of a section."""
        return _list(self.data, name)

    def timeout(self, name: str, where: str, *holders: Mapping[str, Json]) -> Json:
        """The timeout that holds there, the nearest holder's first; None: none. An ISO 8601 duration."""
        for holder in (*holders, self.data):
            timeouts = holder.get("timeouts")
            value = timeouts.get(name) if isinstance(timeouts, Mapping) else None
            if value is None:
                continue
            if isinstance(value, Mapping):
                if "single" in value:
                    self.notes.add(where, f"'{name}.single' has no counterpart; only 'total' is kept")
                value = value.get("total")
            return self.duration(value, f"{where}/timeouts/{name}")
        return None

    def duration(self, value: Json, where: str) -> Json:
        """An ISO 8601 duration; anything else is a problem of the document."""
        if not isinstance(value, str) or duration.from_iso(value) is None:
            self.notes.problem(where, f"{value!r} is no ISO 8601 duration")
            return "PT0S"
        return value


def _list(data: Mapping[str, Json], section: str) -> list[Mapping[str, Json]]:
    found = data.get(section)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
