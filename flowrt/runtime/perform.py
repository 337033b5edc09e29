"""Perform: carries out effects through the adapter of their kind, made when first needed."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from flowrt.core.build import Problem
from flowrt.core.definition import WorkflowDefinition
from flowrt.core.effect import Adapter, Effect, Outcome
from flowrt.core.fault import Fault, Faulted

log = logging.getLogger("flowrt.effects")


class Perform:
    """The adapters of a process."""

    def __init__(self, factories: Mapping[str, Callable[[], Adapter]]) -> None:
        self._factories = factories
        self._adapters: dict[str, Adapter] = {}

    def adapter(self, kind: str) -> Adapter:
        """The adapter of a kind. Raises `KeyError` for an unknown one."""
        if kind not in self._adapters:
            self._adapters[kind] = self._factories[kind]()
        return self._adapters[kind]

    async def run(self, effect: Effect) -> Outcome:
        """Carries out an effect. Raises `Faulted`, whatever went wrong."""
        try:
            outcome = await self.adapter(effect.kind).run(effect)
            require_json(outcome.output, f"The result of '{effect.kind}'")
            return outcome
        except (Faulted, asyncio.CancelledError):
            raise
        except KeyError as error:
            if effect.kind in self._factories:
                raise Faulted(_broken(effect, error)) from error
            detail = f"This runtime has no adapter for '{effect.kind}'."
            raise Faulted(Fault.of("configuration", detail)) from None
        except Exception as error:
            log.exception("the adapter of %s broke at %s", effect.kind, effect.position)
            raise Faulted(_broken(effect, error)) from error

    async def detached(self, effect: Effect) -> None:
        """Carries out an effect that nobody waits for."""
        try:
            await self.run(effect)
        except Faulted as error:
            log.warning("%s at %s of %s failed: %s", effect.kind, effect.position, effect.instance, error)

    async def check(self, definition: WorkflowDefinition) -> list[Problem]:
        """What the adapters know to be wrong with a definition before it runs."""
        problems: list[Problem] = []
        for kind, tasks in definition.effect_kinds.items():
            if kind not in self._factories:
                continue
            for task in tasks:
                if task.constant_arguments is None:
                    continue
                found = await self.adapter(kind).check(task.constant_arguments, definition.base_uri)
                problems.extend(Problem(task.position, message) for message in found)
        return problems

    async def close(self) -> None:
        """Closes every adapter that was made."""
        for adapter in self._adapters.values():
            with contextlib.suppress(Exception):
                await adapter.close()


def require_json(value: Any, what: str) -> None:
    """Raises `Faulted` (runtime) for what no record could hold: NaN, numbers beyond 64 bits, objects of Python."""
    try:
        orjson.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise Faulted(Fault.of("runtime", f"{what} is no JSON: {error}")) from None


@dataclass(frozen=True, slots=True)
class _Function:
    """A registered function, with what has to be known to call it."""

    call: Callable[..., Any]
    asynchronous: bool
    takes_input: bool

    def __call__(self, given: Any, effect: Effect) -> Any:
        if isinstance(given, dict) and given:
            return self.call(**given)
        return self.call(effect.arguments["input"]) if self.takes_input else self.call()


class Functions:
    """Registered Python functions, sync or async, as the adapter of `call: name`."""

    def __init__(self) -> None:
        self._functions: dict[str, _Function] = {}

    def register(self, name: str, function: Callable[..., Any]) -> None:
        """Makes `function` (or a class, whose instance is called) a task to call."""
        made: Callable[..., Any] = function() if inspect.isclass(function) else function  # type: ignore[assignment]
        asynchronous = inspect.iscoroutinefunction(made) or inspect.iscoroutinefunction(type(made).__call__)
        self._functions[name] = _Function(made, asynchronous, _takes_arguments(made))

    def __contains__(self, name: object) -> bool:
        return name in self._functions

    async def run(self, effect: Effect) -> Outcome:
        """Calls it with the members of `with` as arguments; without `with`, with the task's input."""
        name, given = effect.arguments["function"], effect.arguments["with"]
        function = self._functions.get(name)
        if function is None:
            raise Faulted(Fault.of("configuration", f"No Python function '{name}' is registered with this runtime."))
        try:
            if function.asynchronous:
                return Outcome(await function(given, effect))
            return Outcome(await asyncio.to_thread(function, given, effect))
        except (Faulted, asyncio.CancelledError):
            raise
        except Exception as error:
            raise Faulted(Fault.of("runtime", f"{name}: {type(error).__name__}: {error}")) from error

    async def check(self, arguments: Any, base_uri: str | None) -> Sequence[str]:
        return ()

    async def close(self) -> None:
        """Nothing to release."""


def _takes_arguments(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        # Some that are written in C do not say what they take.
        return True
    taking = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    return any(parameter.kind in taking for parameter in parameters)


def _broken(effect: Effect, error: Exception) -> Fault:
    return Fault.of("runtime", f"The adapter of '{effect.kind}' broke: {type(error).__name__}: {error}")
