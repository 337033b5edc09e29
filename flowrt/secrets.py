"""Secrets: where the values behind `use.secrets` come from. Read when asked for, never kept in records or logs.

Sources, the first that has one gives it: given values, environment (`FLOWRT_SECRET_NAME`), a folder of files (Docker:
one file each; Kubernetes: one folder each with a file for every member), a `.env` file. A text that is a JSON object or
array is read as that; everything else stays text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

Json = Any
Source = Callable[[str], Json]


def from_values(values: Mapping[str, Json]) -> Source:
    """Values given by name."""
    return values.get


def from_environment(environment: Mapping[str, str], prefix: str) -> Source:
    """Variables such as `FLOWRT_SECRET_PAY` (also `…_pay`, exactly as named)."""

    def look_up(name: str) -> Json:
        for variable in (prefix + name, prefix + re.sub(r"[^A-Za-z0-9]", "_", name).upper()):
            if variable in environment:
                return read_text(environment[variable])
        return None

    return look_up


def from_directory(directory: Path) -> Source:
    """Files of a mounted folder."""

    def look_up(name: str) -> Json:
        if "/" in name or name.startswith("."):
            return None
        path = directory / name
        if path.is_dir():
            members = [file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]
            return {file.name: read_text(file.read_text(encoding="utf-8").rstrip("\n")) for file in members}
        return read_text(path.read_text(encoding="utf-8").rstrip("\n")) if path.is_file() else None

    return look_up


def from_env_file(file: Path) -> Source:
    """Lines `NAME=value` of a `.env` file; blank lines and `#` comments are passed over."""

    def look_up(name: str) -> Json:
        if not file.is_file():
            return None
        for line in file.read_text(encoding="utf-8").splitlines():
            key, separator, value = line.removeprefix("export ").partition("=")
            if separator and not line.startswith("#") and key.strip() == name:
                return read_text(value.strip().strip("'\""))
        return None

    return look_up


def first_of(*sources: Source) -> Source:
    """The first source that has it."""

    def look_up(name: str) -> Json:
        return next((value for source in sources if (value := source(name)) is not None), None)

    return look_up


def read_text(text: str) -> Json:
    """A JSON object or array as that, anything else as text."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return text
