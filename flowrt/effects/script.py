"""Script: `run.script`, a program in Python or JavaScript given as text.

Arguments as a list are the script's argv; as a map they are `--name value` there and, where the name can be one,
variables of the script. A script may `return` at top level: that value, as JSON, is then the output in place of stdout.
A JavaScript script is a module (strict, static imports) that also has `require`; with `return`, no static imports.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flowrt.core.effect import Effect, Json, Outcome
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.process import Processes, ProcessSettings
from flowrt.effects.process_result import argv_of
from flowrt.effects.script_runners import JAVASCRIPT, PYTHON

_DISABLED = "run.script is off; set run.script.enabled to true to allow scripts"
_RESULT = "result.json"


@dataclass(frozen=True, slots=True)
class _Language:
    file: str
    runner_file: str
    runner: str


_PYTHON = _Language("script.py", "run.py", PYTHON)
_JAVASCRIPT = _Language("script.mjs", "run.cjs", JAVASCRIPT)
LANGUAGES = {"python": _PYTHON, "py": _PYTHON, "javascript": _JAVASCRIPT, "js": _JAVASCRIPT}


class ScriptRun:
    """The adapter of kind `script`.

    Arguments: `language`, `code` (`source` already read), `arguments` (list, map), `stdin`, `environment`, `return`.
    """

    def __init__(self, settings: ProcessSettings) -> None:
        self._settings = settings
        self._processes = Processes(settings)

    async def run(self, effect: Effect) -> Outcome:
        wanted = effect.arguments
        problem = self._problem(wanted["language"])
        if problem is not None:
            raise Faulted(Fault.of("configuration", problem))
        language = LANGUAGES[wanted["language"].lower()]
        if wanted.get("code") is None:
            raise Faulted(Fault.of("configuration", "the script has no code: its source was not read"))
        arguments = wanted.get("arguments")
        files = {
            language.file: wanted["code"],
            language.runner_file: language.runner,
            "variables.json": json.dumps(arguments if isinstance(arguments, Mapping) else {}),
        }
        async with self._processes.workspace(files) as folder:
            result = await self._processes.run(
                [*self._interpreter(language), str(folder / language.runner_file), *argv_of(arguments)],
                folder,
                stdin=wanted.get("stdin"),
                environment=wanted.get("environment"),
                key=effect.idempotency_key,
            )
            returns = wanted.get("return", "stdout")
            output = result.output(returns, "the script")
            return Outcome(self._returned(folder, output) if returns == "stdout" else output)

    async def check(self, arguments: Json, base_uri: str | None) -> Sequence[str]:
        """Switched off, a language that is not known, or one whose interpreter is missing."""
        problem = self._problem(arguments.get("language", ""))
        return [] if problem is None else [problem]

    async def close(self) -> None:
        await self._processes.close()

    def _problem(self, name: str) -> str | None:
        if not self._settings.script_enabled:
            return _DISABLED
        language = LANGUAGES.get(name.lower())
        if language is None:
            return f"language {name!r} is not one of {', '.join(LANGUAGES)}; run others in a container"
        if language is _JAVASCRIPT and self._node() is None:
            return f"JavaScript needs Node.js: no program {self._settings.node!r} on {self._settings.path}; install it"
        return None

    def _interpreter(self, language: _Language) -> list[str]:
        if language is _PYTHON:
            # Isolated: neither our PYTHON* variables nor the user's site-packages change what a script means.
            return [self._settings.python, "-I", "-X", "utf8"]
        return [str(self._node())]

    def _node(self) -> str | None:
        return shutil.which(self._settings.node, path=self._settings.path)

    def _returned(self, folder: Path, stdout: str) -> Json:
        """The value the script returned, else its text."""
        path = folder / _RESULT
        if not path.exists():
            return stdout
        if path.stat().st_size > self._settings.output_bytes:
            limit = self._settings.output_bytes
            raise Faulted(Fault.of("runtime", f"the script returned more than {limit} bytes"))
        return json.loads(path.read_text("utf-8"))
