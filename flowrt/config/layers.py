"""Layers: files, environment and flags as trees of settings, each over the one before.

A value that comes from a variable, or a flag, is `Text`: what it means is decided by the type of its setting, so that
the password `0123` stays what it is. One that could not be had is `MISSING`, and is not complained about again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

VARIABLE = re.compile(r"\$\{(file:)?([^}:]+)(?::-([^}]*))?\}")
BACKENDS = ("file", "redis", "postgres", "mysql", "oracle", "mssql", "sqlite", "inMemory", "url")


class Text(str):
    """A value that came as text."""

    __slots__ = ()


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()


@dataclass(slots=True)
class Layers:
    """What the layers so far say, where each value came from, and what was wrong with them."""

    environment: Mapping[str, str]
    tree: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def file(self, path: Path) -> None:
        """Puts a file over what there is."""
        self._over(self._read(path), lambda _: str(path))

    def values(self, values: Mapping[str, Any], origin: str, variables: Mapping[str, str] | None = None) -> None:
        """Puts single settings over what there is. `variables`: key -> the variable it came from, if it did."""
        layer: dict[str, Any] = {}
        for key, value in values.items():
            *sections, last = key.split(".")
            inner = layer
            for section in sections:
                inner = inner.setdefault(section, {})
            inner[last] = value
        self._over(layer, lambda key: f"{origin} {variables[key]}" if variables and key in variables else origin)

    def _over(self, layer: Mapping[str, Any], origin: Any) -> None:
        storage = layer.get("storage")
        chosen = [name for name in BACKENDS if name in storage] if isinstance(storage, Mapping) else []
        if len(chosen) > 1:
            where = origin(f"storage.{chosen[0]}")
            self.problems.append(f"{where}: 'storage' has the backends {', '.join(chosen)}; keep exactly one")
        if chosen:
            self._forget_backends(keep=chosen)
        _merge(self.tree, layer, origin, "", self.origins)

    def _forget_backends(self, keep: Sequence[str]) -> None:
        """There is one backend: the one of the layer on top."""
        storage = self.tree.get("storage")
        for name in BACKENDS:
            if isinstance(storage, dict) and name not in keep and name in storage:
                del storage[name]
                for key in [key for key in self.origins if f"{key}.".startswith(f"storage.{name}.")]:
                    del self.origins[key]

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            self.problems.append(f"{path}: cannot be read: {error.strerror}")
            return {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            self.problems.append(f"{path}: is not YAML: {error}")
            return {}
        if data is None:
            return {}
        if not isinstance(data, dict):
            self.problems.append(f"{path}: must be a mapping of sections")
            return {}
        return dict(self._substituted(data, str(path)))

    def _substituted(self, value: Any, where: str) -> Any:
        if isinstance(value, dict):
            return {key: self._substituted(item, f"{where}: {key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self._substituted(item, where) for item in value]
        if not isinstance(value, str) or "${" not in value:
            return value
        parts = list(self._parts(value, where))
        return MISSING if None in parts else Text("".join(part for part in parts if part is not None))

    def _parts(self, text: str, where: str) -> Iterator[str | None]:
        """The text with its variables replaced, in pieces; None for one that is missing."""
        end = 0
        for match in VARIABLE.finditer(text):
            yield text[end : match.start()]
            yield self._variable(match[1], match[2], match[3], where)
            end = match.end()
        yield text[end:]

    def _variable(self, is_file: str | None, name: str, default: str | None, where: str) -> str | None:
        if is_file:
            try:
                return Path(name).read_text(encoding="utf-8").rstrip("\n")
            except (OSError, UnicodeDecodeError) as error:
                if default is None:
                    why = error.strerror if isinstance(error, OSError) else "is not text"
                    self.problems.append(f"{where}: ${{file:{name}}} cannot be read: {why}")
                return default
        found = self.environment.get(name, default)
        if found is None:
            self.problems.append(f"{where}: the environment variable {name} is not set")
        return found


def _merge(tree: dict[str, Any], layer: Mapping[str, Any], origin: Any, prefix: str, origins: dict[str, str]) -> None:
    for key, value in layer.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            below = tree.get(key)
            if not isinstance(below, dict):
                below = tree[key] = {}
            _merge(below, value, origin, f"{path}.", origins)
        else:
            tree[key] = value
            origins[path] = origin(path)
