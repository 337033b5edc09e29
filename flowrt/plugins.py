"""Plug-ins: what other distributions bring by entry point, in groups of one kind each.

`flowrt.functions`: a function or class to call by the entry point's name. `flowrt.listeners`: a callable that gets
every event emitted. `flowrt.expressions`: an expression language, `compile(source)` or a module that has it.
`flowrt.secrets`: a callable that gives a secret by its name, or None. What flowrt brings itself goes before a plug-in
of the same name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from flowrt.config.load import ConfigProblem

FUNCTIONS, LISTENERS, EXPRESSIONS, SECRETS = (
    "flowrt.functions",
    "flowrt.listeners",
    "flowrt.expressions",
    "flowrt.secrets",
)
GROUPS = (FUNCTIONS, LISTENERS, EXPRESSIONS, SECRETS)


@functools.cache
def found(group: str) -> Mapping[str, EntryPoint]:
    """The plug-ins of a group, by name; none of them is imported yet."""
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}


def load(point: EntryPoint) -> Any:
    """The object of an entry point. Raises `ConfigProblem` naming it and its distribution."""
    try:
        return point.load()
    except Exception as error:  # a plug-in's own code runs here: whatever it raises is its problem to be named
        brought_by = point.dist.name if point.dist is not None else "an unknown distribution"
        raise ConfigProblem(
            [f"the plug-in '{point.name}' of {brought_by} ({point.group}: {point.value}) cannot be loaded: {error!r}"]
        ) from error


def callables(group: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The plug-ins of a group, loaded: name and callable. Raises `ConfigProblem`."""
    for name, point in found(group).items():
        plugin = load(point)
        if not callable(plugin):
            raise ConfigProblem([f"the plug-in '{name}' ({group}: {point.value}) is not callable"])
        yield name, plugin


def language(name: str) -> Callable[[str], Any]:
    """How a plug-in's expression language compiles. Raises `KeyError`, `ConfigProblem`."""
    point = found(EXPRESSIONS)[name]
    plugin = load(point)
    compile_one = getattr(plugin, "compile", plugin)
    if not callable(compile_one):
        raise ConfigProblem([f"the plug-in '{name}' ({EXPRESSIONS}: {point.value}) has no 'compile'"])
    chosen: Callable[[str], Any] = compile_one
    return chosen
