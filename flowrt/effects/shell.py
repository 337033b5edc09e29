"""Shell: `run.shell`, a command of the operating system.

A string is given to `/bin/sh -c` with the arguments as `$1`, `$2`, …; a list is run as it is, without a shell. With an
allow-list, a string must be one plain command: its first word listed, nothing in it that could start another one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from flowrt.core.effect import Effect, Json, Outcome
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.process import Processes, ProcessSettings
from flowrt.effects.process_result import argv_of, text_of
from flowrt.effects.process_rules import refusal_of, refusal_of_all

_UNSAFE = re.compile(r"[;&|<>()`\\\n\r]|\$(?![1-9@*#])")
"""What starts, joins or redirects commands. `$1` stays: the shell does not read its value as code."""
_WHAT = "shell commands"


class ShellRun:
    """The adapter of kind `shell`.

    Arguments: `command` (string or list), `arguments` (list or map), `stdin`, `environment`, `return`.
    """

    def __init__(self, settings: ProcessSettings) -> None:
        self._settings = settings
        self._processes = Processes(settings)

    async def run(self, effect: Effect) -> Outcome:
        wanted = effect.arguments
        problem = self._problem(wanted["command"], wanted.get("environment"))
        if problem is not None:
            raise Faulted(Fault.of("configuration", problem))
        argv = _argv(wanted["command"], wanted.get("arguments"))
        async with self._processes.workspace({}) as folder:
            result = await self._processes.run(
                argv,
                folder,
                stdin=wanted.get("stdin"),
                environment=wanted.get("environment"),
                key=effect.idempotency_key,
            )
        return Outcome(result.output(wanted.get("return", "stdout"), "the command"))

    async def check(self, arguments: Json, base_uri: str | None) -> Sequence[str]:
        """Switched off, or not on the allow-list, as far as no expression decides it."""
        command = arguments.get("command", "")
        if (disabled := refusal_of_all(self._settings, _WHAT)) is not None:
            return [disabled]
        if any("${" in text_of(part) for part in _words(command)):
            return []
        problem = self._problem(command, arguments.get("environment"))
        return [] if problem is None else [problem]

    async def close(self) -> None:
        await self._processes.close()

    def _problem(self, command: str | Sequence[Json], environment: Json) -> str | None:
        if (disabled := refusal_of_all(self._settings, _WHAT)) is not None:
            return disabled
        words = _words(command)
        if not words:
            return "command is empty; give it a program to run"
        if (refusal := refusal_of(self._settings, words[0], environment)) is not None:
            return refusal
        if self._settings.allowed_commands is not None and isinstance(command, str):
            if found := _UNSAFE.search(command.strip()):
                return f"command: {found[0]!r} is refused while run.shell.commands is set; use the list form"
        return None


def _words(command: str | Sequence[Json]) -> list[str]:
    return command.split() if isinstance(command, str) else [text_of(word) for word in command]


def _argv(command: str | Sequence[Json], arguments: Sequence[Json] | Mapping[str, Json] | None) -> list[str]:
    rest = argv_of(arguments)
    return ["/bin/sh", "-c", command, "sh", *rest] if isinstance(command, str) else [*_words(command), *rest]
