"""Building: a tree of settings as the settings classes; each problem with its key and, for an unknown one, the nearest.

The value of a setting is never repeated where it might be a secret.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from flowrt.config.layers import MISSING, Text
from flowrt.config.units import to_bytes, to_seconds

_WORD = re.compile(r"[!-~]+")

NOT_BLANK = frozenset(("host", "username", "database", "schema", "path", "id", "address", "mount", "role", "role-id"))
MAY_BE_BLANK = frozenset(("secrets.vault.path",))


def keys(kind: type, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every leaf setting below a settings class: dotted key, its field, its type."""
    for each, key, inner in _fields(kind):
        path = f"{prefix}{key}"
        section = _section(inner)
        if section is not None:
            yield from keys(section, f"{path}.")
        else:
            yield path, each, inner


def build(kind: type, tree: Any, prefix: str, problems: list[str]) -> Any:
    """The settings class made from its tree; what is wrong is added to `problems`, and its default stands for it."""
    if tree is None or tree is MISSING:
        return kind()
    if not isinstance(tree, dict):
        problems.append(f"'{prefix.rstrip('.')}' must be a mapping of settings, found {_kind(tree)}")
        return kind()
    known = {key: (each, inner) for each, key, inner in _fields(kind)}
    for key in tree:
        if key not in known:
            close = difflib.get_close_matches(str(key), [*known], n=1)
            hint = f"; did you mean '{prefix}{close[0]}'?" if close else f"; known are {', '.join(known) or 'none'}"
            problems.append(f"unknown key '{prefix}{key}'{hint}")
    values: dict[str, Any] = {}
    for key, (each, inner) in known.items():
        if key not in tree or tree[key] is MISSING:
            continue
        section = _section(inner)
        if section is not None:
            values[each.name] = build(section, tree[key], f"{prefix}{key}.", problems)
        else:
            value, why = _value(tree[key], inner, each.metadata, f"{prefix}{key}")
            if why is None:
                values[each.name] = value
            else:
                shown = "the value given" if each.metadata.get("secret") else _shown(tree[key])
                problems.append(f"'{prefix}{key}' {why}, found {shown}")
    return kind(**values)


def _value(value: Any, kind: Any, metadata: Mapping[str, Any], key: str) -> tuple[Any, str | None]:
    """The value as its setting wants it, and what is wrong with it."""
    options = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    wanted = next(option for option in options if option is not type(None))
    if isinstance(value, Text) and wanted is not str:
        value = _meant(value)
    if value is None and type(None) in options:
        return None, None
    converted, why = _converted(value, wanted, metadata)
    if why is None and isinstance(converted, int | float) and not isinstance(converted, bool):
        why = _out_of_range(converted, metadata)
    if why is None and "one_of" in metadata and converted not in metadata["one_of"]:
        why = f"must be one of {', '.join(metadata['one_of'])}"
    if why is None and isinstance(converted, str) and not converted.strip() and _needs_text(key):
        why = "must not be blank"
    if why is None and metadata.get("word") and not _WORD.fullmatch(converted):
        why = "must be one word of visible ASCII characters"
    return converted, why


def _converted(value: Any, wanted: Any, metadata: Mapping[str, Any]) -> tuple[Any, str | None]:
    origin = typing.get_origin(wanted) or wanted
    if metadata.get("duration"):
        seconds = to_seconds(value)
        return seconds, "must be a duration such as 7d, 30s or PT5M" if seconds is None else None
    if metadata.get("size"):
        bytes_ = to_bytes(value)
        return bytes_, "must be a size such as 16MiB" if bytes_ is None else None
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            return None, "must be a list of strings"
        return tuple(item.strip() for item in items), None
    if origin in (Mapping, dict) or typing.get_origin(wanted) is not None:
        return _free(value, bool(metadata.get("secret"))), None if isinstance(value, dict) else "must be a mapping"
    if wanted is str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value), None
        return (str(value), None) if isinstance(value, str) else (None, "must be a string")
    if wanted is bool:
        return value, None if isinstance(value, bool) else "must be true or false"
    return value, None if isinstance(value, int) and not isinstance(value, bool) else "must be an integer"


def _free(value: Any, is_secret: bool) -> Any:
    """A value below a mapping of anything; a secret is never taken for anything but text."""
    if isinstance(value, dict):
        return {key: _free(item, is_secret) for key, item in value.items() if item is not MISSING}
    if isinstance(value, list):
        return [_free(item, is_secret) for item in value if item is not MISSING]
    if isinstance(value, Text):
        return str(value) if is_secret else _meant(value)
    return value


def _meant(text: Text) -> Any:
    """A text as YAML would read it; what is no YAML is a text."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return str(text)
    return str(text) if isinstance(value, str) else value


def _out_of_range(value: float, metadata: Mapping[str, Any]) -> str | None:
    least, most = metadata.get("least"), metadata.get("most")
    if (least is None or value >= least) and (most is None or value <= most):
        return None
    if most is None:
        return f"must be at least {least}"
    return f"must be at most {most}" if least is None else f"must be between {least} and {most}"


def _needs_text(key: str) -> bool:
    return key.rpartition(".")[2] in NOT_BLANK and key not in MAY_BE_BLANK


def _kind(value: Any) -> str:
    return "a list" if isinstance(value, list) else "a text" if isinstance(value, str) else f"{value!r}"


def _shown(value: Any) -> str:
    return _kind(value) if isinstance(value, dict | list) else repr(str(value) if isinstance(value, str) else value)


def _fields(kind: type) -> Iterator[tuple[Any, str, Any]]:
    hints = typing.get_type_hints(kind)
    for each in dataclasses.fields(kind):
        yield each, each.metadata.get("key", each.name.replace("_", "-")), hints[each.name]


def _section(kind: Any) -> type | None:
    """The settings class behind `Section` or `Section | None`."""
    options = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    found = [option for option in options if dataclasses.is_dataclass(option)]
    return typing.cast(type, found[0]) if found else None
