"""Sources of secrets on this machine: a callable from a name to a value, None when it has none of that name."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from flowrt.core.fault import Fault, Faulted

Json = Any
Source = Callable[[str], Json]

LINE = re.compile(r"\s*(?:export\s+)?([^\s#=][^=]*?)\s*=\s*(.*?)\s*")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def from_values(values: Mapping[str, Json]) -> Source:
    """Values given by name; a text that is JSON is read as that."""

    def look_up(name: str) -> Json:
        value = values.get(name)
        return read_text(value) if isinstance(value, str) else value

    return look_up


def from_environment(environment: Mapping[str, str], prefix: str) -> Source:
    """Variables such as `FLOWRT_SECRET_PAY` (also `…_pay`, exactly as named)."""

    def look_up(name: str) -> Json:
        for variable in (prefix + name, prefix + re.sub(r"[^A-Za-z0-9]", "_", name).upper()):
            if variable in environment:
                return read_text(environment[variable])
        return None

    return look_up


def from_directory(directory: Path) -> Source:
    """Files of a mounted folder; one that is no text is given in base64."""

    def look_up(name: str) -> Json:
        if "/" in name or name.startswith("."):
            return None
        path = directory / name
        try:
            if path.is_dir():
                members = [file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")]
                return {file.name: _read_file(file) for file in sorted(members)}
            return _read_file(path) if path.is_file() else None
        except OSError as error:
            raise unreadable(name, f"{path}: {error.strerror}") from None

    return look_up


def from_env_file(file: Path) -> Source:
    """Lines `NAME=value` of a `.env` file, quoted or not; blank lines and `#` comments are passed over."""

    def look_up(name: str) -> Json:
        try:
            lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        except OSError as error:
            raise unreadable(name, f"{file}: {error.strerror}") from None
        found = [match[2] for line in lines if (match := LINE.fullmatch(line)) and match[1] == name]
        # As shells have it: the last one stands.
        return read_text(_unquoted(found[-1])) if found else None

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


def unreadable(name: str, why: str) -> Faulted:
    """The fault of a task that needs a secret which is there but cannot be read."""
    return Faulted(Fault.of("authorization", f"The secret '{name}' cannot be read: {why}"))


def _read_file(path: Path) -> Json:
    content = path.read_bytes()
    try:
        return read_text(content.decode("utf-8").rstrip("\n"))
    except UnicodeDecodeError:
        return base64.b64encode(content).decode("ascii")


def _unquoted(text: str) -> str:
    """The value of a line: in quotes as it is (escapes in double ones), else up to a comment."""
    quoted = re.fullmatch(r"""'([^']*)'(?:\s+#.*)?|"((?:[^"\\]|\\.)*)"(?:\s+#.*)?""", text)
    if quoted is None:
        return re.split(r"\s+#", text, maxsplit=1)[0]
    if quoted[1] is not None:
        return quoted[1]
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), quoted[2])
