"""Inputs of verbs: JSON given inline, in a file, or on stdin; files of events."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import orjson

Json = Any


def read_json(text: str, what: str) -> Json:
    """`JSON`, `@FILE` or `-` (stdin). Raises `click.UsageError` saying what is wrong."""
    source = text
    try:
        if text == "-":
            source = sys.stdin.read()
        elif text.startswith("@"):
            source = Path(text[1:]).read_text(encoding="utf-8")
        return orjson.loads(source)
    except OSError as error:
        raise click.UsageError(f"{what}: {text[1:]} cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"{what}: this is not JSON: {error}") from None


def read_events(path: str) -> list[Json]:
    """The CloudEvents of a file: a JSON array, one object, or JSON lines; `-` is stdin."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from None
    try:
        whole = orjson.loads(text)
        return whole if isinstance(whole, list) else [whole]
    except orjson.JSONDecodeError:
        pass
    try:
        return [orjson.loads(line) for line in text.splitlines() if line.strip()]
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"{path}: neither a JSON array nor JSON lines: {error}") from None
