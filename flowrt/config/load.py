"""Loading: files, environment and flags into one `Config`; flag over environment over file, the last file wins.

All problems are reported together, each with the key and, for an unknown one, the nearest known.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from flowrt.config.model import Config
from flowrt.core import duration

VARIABLE = re.compile(r"\$\{(file:)?([^}:]+)(?::-([^}]*))?\}")
SHORT = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
SHORT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SIZE = re.compile(r"(\d+)\s*(B|KB|MB|GB|KiB|MiB|GiB)?")
SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
BACKENDS = ("file", "redis", "postgres", "mysql", "oracle", "mssql", "sqlite", "inMemory", "url")
NOT_BLANK = frozenset(("host", "username", "database", "schema", "path", "id"))


class ConfigProblem(Exception):
    """The configuration is wrong; `problems` lists everything."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The configuration, and where each value that is not a default came from."""

    config: Config
    origins: Mapping[str, str]


@dataclass(slots=True)
class _Loading:
    environment: Mapping[str, str]
    problems: list[str] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)


def load(
    files: Sequence[str | Path] = (),
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Loaded:
    """Loads the configuration. `flags`: dotted key -> value. Raises `ConfigProblem`."""
    loading = _Loading(os.environ if environment is None else environment)
    paths = [Path(file) for file in files]
    if not paths and "FLOWRT_CONFIG" in loading.environment:
        paths = [Path(name) for name in loading.environment["FLOWRT_CONFIG"].split(os.pathsep) if name]
    tree: dict[str, Any] = {}
    for path in paths:
        _merge(tree, _read(path, loading), str(path), "", loading)
    if loading.problems:
        raise ConfigProblem(loading.problems)
    for key, value in _from_environment(Config, "", loading.environment):
        _put(tree, key, value, f"environment {_variable(key)}", loading)
    for key, value in (flags or {}).items():
        if value is not None:
            _put(tree, key, value, "flag", loading)
    config = _build(Config, tree, "", loading)
    _check_storage(tree.get("storage"), loading)
    if loading.problems:
        raise ConfigProblem(loading.problems)
    return Loaded(config, loading.origins)


def keys(kind: type, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every leaf setting below a settings class: dotted key, its field, its type."""
    for each, key, inner in _fields(kind):
        path = f"{prefix}{key}"
        section = _section(inner)
        if section is not None:
            yield from keys(section, f"{path}.")
        else:
            yield path, each, inner


def _read(path: Path, loading: _Loading) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        loading.problems.append(f"{path}: cannot be read: {error.strerror}")
        return {}
    except yaml.YAMLError as error:
        loading.problems.append(f"{path}: is not YAML: {error}")
        return {}
    if data is None:
        return {}
    if not isinstance(data, dict):
        loading.problems.append(f"{path}: must be a mapping of sections")
        return {}
    return dict(_substituted(data, str(path), loading))


def _substituted(value: Any, where: str, loading: _Loading) -> Any:
    if isinstance(value, dict):
        return {key: _substituted(item, f"{where}: {key}", loading) for key, item in value.items()}
    if isinstance(value, list):
        return [_substituted(item, where, loading) for item in value]
    if not isinstance(value, str) or "${" not in value:
        return value

    def replaced(match: re.Match[str]) -> str:
        is_file, name, default = match.groups()
        if is_file:
            try:
                return Path(name).read_text(encoding="utf-8").rstrip("\n")
            except OSError as error:
                loading.problems.append(f"{where}: ${{file:{name}}} cannot be read: {error.strerror}")
                return ""
        if name in loading.environment:
            return loading.environment[name]
        if default is None:
            loading.problems.append(f"{where}: the environment variable {name} is not set")
            return ""
        return default

    text = VARIABLE.sub(replaced, value)
    return yaml.safe_load(text) if VARIABLE.fullmatch(value) and text else text


def _merge(tree: dict[str, Any], more: Mapping[str, Any], origin: str, prefix: str, loading: _Loading) -> None:
    for key, value in more.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            below = tree.get(key)
            if not isinstance(below, dict):
                below = tree[key] = {}
            _merge(below, value, origin, f"{path}.", loading)
        else:
            tree[key] = value
            loading.origins[path] = origin


def _put(tree: dict[str, Any], key: str, value: Any, origin: str, loading: _Loading) -> None:
    *sections, last = key.split(".")
    for section in sections:
        below = tree.get(section)
        tree = below if isinstance(below, dict) else tree.setdefault(section, {})
    tree[last] = value
    loading.origins[key] = origin


def _from_environment(kind: type, prefix: str, environment: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for path, _, inner in keys(kind, prefix):
        text = environment.get(_variable(path))
        if text is not None:
            yield path, text if inner is str else yaml.safe_load(text)


def _variable(key: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key)
    return "FLOWRT_" + re.sub(r"[.-]", "_", words).upper()


def _fields(kind: type) -> Iterator[tuple[Any, str, Any]]:
    hints = typing.get_type_hints(kind)
    for each in dataclasses.fields(kind):
        yield each, each.metadata.get("key", each.name.replace("_", "-")), hints[each.name]


def _section(kind: Any) -> type | None:
    """The settings class behind `Section` or `Section | None`."""
    options = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    found = [option for option in options if dataclasses.is_dataclass(option)]
    return typing.cast(type, found[0]) if found else None


def _build(kind: type, tree: Any, prefix: str, loading: _Loading) -> Any:
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        loading.problems.append(f"{prefix.rstrip('.') or 'the configuration'} must be a mapping, found {tree!r}")
        return kind()
    known = {key: (each, inner) for each, key, inner in _fields(kind)}
    for key in tree:
        if key not in known:
            close = difflib.get_close_matches(str(key), [*known], n=1)
            hint = f"; did you mean '{prefix}{close[0]}'?" if close else f"; known are {', '.join(known)}"
            loading.problems.append(f"unknown key '{prefix}{key}'{hint}")
    values: dict[str, Any] = {}
    for key, (each, inner) in known.items():
        if key not in tree:
            continue
        section = _section(inner)
        if section is not None:
            values[each.name] = _build(section, tree[key], f"{prefix}{key}.", loading)
        else:
            values[each.name] = _value(tree[key], inner, each.metadata, f"{prefix}{key}", loading)
    return kind(**values)


def _value(value: Any, kind: Any, metadata: Mapping[str, Any], key: str, loading: _Loading) -> Any:
    options = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    if value is None and type(None) in options:
        return None
    wanted = next(option for option in options if option is not type(None))
    converted, why = _converted(value, wanted, metadata)
    if why is None and isinstance(converted, int | float) and not isinstance(converted, bool):
        if not metadata.get("least", converted) <= converted <= metadata.get("most", converted):
            why = f"must be between {metadata.get('least')} and {metadata.get('most', 'any')}"
    if why is None and "one_of" in metadata and converted not in metadata["one_of"]:
        why = f"must be one of {', '.join(metadata['one_of'])}"
    if why is None and isinstance(converted, str) and not converted.strip() and key.rpartition(".")[2] in NOT_BLANK:
        why = "must not be blank"
    if why is not None:
        shown = "the value given" if metadata.get("secret") else repr(value)
        loading.problems.append(f"'{key}' {why}, found {shown}")
    return converted


def _converted(value: Any, wanted: Any, metadata: Mapping[str, Any]) -> tuple[Any, str | None]:
    origin = typing.get_origin(wanted) or wanted
    if metadata.get("duration"):
        seconds = to_seconds(value)
        return (0.0, "must be a duration such as 7d, 30s or PT5M") if seconds is None else (seconds, None)
    if metadata.get("size"):
        bytes_ = to_bytes(value)
        return (0, "must be a size such as 16MiB") if bytes_ is None else (bytes_, None)
    if origin is tuple:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            return (), "must be a list of strings"
        return tuple(item.strip() for item in items), None
    if origin in (Mapping, dict) or typing.get_origin(wanted) is not None:
        return (value, None) if isinstance(value, dict) else ({}, "must be a mapping")
    if wanted is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value), None
    if wanted is bool:
        return value, None if isinstance(value, bool) else "must be true or false"
    if wanted is int:
        return value, None if isinstance(value, int) and not isinstance(value, bool) else "must be an integer"
    return value, None if isinstance(value, wanted) else f"must be a {'string' if wanted is str else wanted.__name__}"


def to_seconds(value: Any) -> float | None:
    """Seconds of `7d`, `PT5M`, a DSL duration or a number of seconds; None if it is no duration."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if value >= 0 else None
    if isinstance(value, str) and (match := SHORT.fullmatch(value.strip())):
        return float(match[1]) * SHORT_S[match[2]]
    return duration.from_json(value)


def to_bytes(value: Any) -> int | None:
    """Bytes of `16MiB` or a number; None if it is no size."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 0 else None
    if isinstance(value, str) and (match := SIZE.fullmatch(value.strip())):
        return int(match[1]) * SIZES[match[2] or "B"]
    return None


def _check_storage(storage: Any, loading: _Loading) -> None:
    if not isinstance(storage, dict):
        return
    chosen = [name for name in BACKENDS if name in storage]
    if len(chosen) > 1 and not any(loading.origins.get("storage.url", "").startswith(o) for o in ("flag", "environ")):
        loading.problems.append(f"'storage' has {len(chosen)} backends ({', '.join(chosen)}); keep exactly one")
