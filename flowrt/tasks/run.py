"""`run`: a container, a script, a shell command or another workflow."""

from __future__ import annotations

from typing import Any

from flowrt.core.definition import Task
from flowrt.core.expression import Lookup
from flowrt.core.reader import Reader
from flowrt.core.template import Template
from flowrt.tasks.calls import ReadArguments, members
from flowrt.tasks.effect_task import EffectTask

Json = Any

RETURNS = ("stdout", "stderr", "code", "all", "none")
CONTAINER = (
    "image", "name", "command", "ports", "volumes", "environment", "stdin", "arguments", "lifetime", "pullPolicy",
)  # fmt: skip
PROCESSES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "container": (CONTAINER, ("image",)),
    "script": (("language", "code", "source", "stdin", "arguments", "environment"), ("language",)),
    "shell": (("command", "stdin", "arguments", "environment"), ("command",)),
    "workflow": (("namespace", "name", "version", "input"), ("namespace", "name")),
}
"""Kind of process -> its properties, and the required ones ("Run")."""


class Run(EffectTask):
    """Runs a process and waits for it, unless `await` is false: then its output is its input."""

    kind = "run"


def parse_run(reader: Reader) -> Task:
    """The task that a `run` makes."""
    task = Run()
    run = reader.at(reader.value["run"], "run").object((*PROCESSES, "await", "return"))
    chosen = [name for name in PROCESSES if run.get(name) is not None]
    if len(chosen) != 1:
        run.problem("expected exactly one of " + ", ".join(PROCESSES), "Say what to run.")
    task.effect_kind = chosen[0] if chosen else "shell"
    process = run.get(task.effect_kind)
    if (await_ := run.get("await")) is not None:
        task.detached = not await_.boolean()
    return_ = run.get("return")
    returned = return_.one_of(*RETURNS) if return_ is not None else "stdout"
    if process is None:
        task.arguments = lambda data, lookup: None
        return task
    process.object(*PROCESSES[task.effect_kind])
    task.constant_arguments = process.value
    if task.effect_kind == "workflow":
        task.arguments = _workflow(process)
    else:
        task.arguments = _process(task.effect_kind, process, returned)
    return task


def _process(kind: str, process: Reader, returned: str) -> Template:
    special: dict[str, ReadArguments] = {"lifetime": _lifetime, "source": _sourced}
    if kind == "script" and (process.get("code") is None) == (process.get("source") is None):
        process.problem("a script has either 'code' or 'source'")
    if kind == "script":
        special["code"] = lambda code: _literal(code.string())  # braces are the script's own
        if (language := process.get("language")) is not None:
            language.one_of("python", "py", "javascript", "js")
    if (policy := process.get("pullPolicy")) is not None:
        policy.one_of("ifNotPresent", "always", "never")
    for name in ("environment", "ports", "volumes"):
        if (found := process.get(name)) is not None and not isinstance(found.value, str):
            found.object()
    template = members(process, special)

    def arguments(data: Json, lookup: Lookup) -> Json:
        evaluated = {**template(data, lookup), "return": returned}
        if "source" in evaluated:
            evaluated["code"] = evaluated.pop("source")
        return evaluated

    return arguments


def _workflow(process: Reader) -> Template:
    for name in ("namespace", "name", "version"):
        if (found := process.get(name)) is not None:
            found.string()
    template = members(process, {})
    has_input = process.get("input") is not None

    def arguments(data: Json, lookup: Lookup) -> Json:
        evaluated = {"version": "latest", **template(data, lookup)}
        return evaluated if has_input else {**evaluated, "input": data}

    return arguments


def _lifetime(reader: Reader) -> Template:
    reader.object(("cleanup", "after"), required=("cleanup",))
    cleanup = reader.get("cleanup")
    word = cleanup.one_of("always", "never", "eventually") if cleanup is not None else "never"
    after = reader.get("after")
    if (word == "eventually") != (after is not None):
        reader.problem("'after' goes with 'cleanup: eventually', and only with it")
    seconds = after.duration() if after is not None else _literal(None)
    return lambda data, lookup: {"cleanup": word, "after": seconds(data, lookup)}


def _sourced(reader: Reader) -> Template:
    """The code of a script's `source`, which was fetched before the definition was compiled."""
    reader.object(("name", "endpoint"), required=("endpoint",))
    endpoint = reader.get("endpoint")
    uri = endpoint.value.get("uri") if endpoint is not None and isinstance(endpoint.value, dict) else None
    uri = uri or (endpoint.value if endpoint is not None else None)
    content = reader.build.resource(uri) if isinstance(uri, str) else None
    if content is None:
        reader.warn(f"the script {uri} could not be loaded; running it will fault")
    return _literal(None if content is None else content.decode("utf-8", "replace"))


def _literal(value: Json) -> Template:
    return lambda data, lookup: value
