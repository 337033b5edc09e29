"""Loading: files, environment and flags into one `Config`; flag over environment over file, the last file wins.

All problems are reported together, each with the key or the file it is about.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowrt.config.build import build, keys
from flowrt.config.layers import Layers, Text
from flowrt.config.model import Config
from flowrt.config.problem import ConfigProblem
from flowrt.config.units import to_bytes, to_seconds


@dataclass(frozen=True, slots=True)
class Loaded:
    """The configuration, and where each value that is not a default came from."""

    config: Config
    origins: Mapping[str, str]


def load(
    files: Sequence[str | Path] = (),
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Loaded:
    """Loads the configuration. `flags`: dotted key -> value, None for one not given. Raises `ConfigProblem`."""
    layers = Layers(os.environ if environment is None else environment)
    paths = [Path(file) for file in files]
    if not paths and "FLOWRT_CONFIG" in layers.environment:
        paths = [Path(name) for name in layers.environment["FLOWRT_CONFIG"].split(os.pathsep) if name]
    for path in paths:
        layers.file(path)
    variables = {key: variable(key) for key, _, _ in keys(Config) if variable(key) in layers.environment}
    given = {key: Text(layers.environment[name]) for key, name in variables.items()}
    layers.values(given, "environment", variables)
    layers.values({key: value for key, value in (flags or {}).items() if value is not None}, "flag")
    config: Config = build(Config, layers.tree, "", layers.problems)
    if layers.problems:
        raise ConfigProblem(layers.problems)
    return Loaded(config, layers.origins)


def variable(key: str) -> str:
    """The environment variable of a setting: `storage.redis.poolConfig` is FLOWRT_STORAGE_REDIS_POOL_CONFIG."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key)
    return "FLOWRT_" + re.sub(r"[.-]", "_", words).upper()


__all__ = ["ConfigProblem", "Loaded", "keys", "load", "to_bytes", "to_seconds", "variable"]
