"""The definitions: they are valid, and what they need is there: secrets, extras, programs, permissions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from flowrt.assemble import Assembly
from flowrt.compiler import InvalidDefinition
from flowrt.config.model import Config, InMemoryStorage, Storage
from flowrt.core.build import Problem
from flowrt.core.definition import WorkflowDefinition
from flowrt.core.fault import Faulted
from flowrt.doctor.findings import Finding, error, ok, warning
from flowrt.runtime.folder import SUFFIXES, TESTS

EXTRA = re.compile(r"pip install 'flowrt\[([\w,]+)\]'")
OF_KIND = {"grpc": "grpc", "asyncapi": "asyncapi", "mcp": "mcp", "a2a": "a2a"}
"""Kind of call -> the extra it needs."""
PROGRAMS = ("shell", "script", "container")


@dataclass(slots=True)
class _Needs:
    """What the definitions need, each with the definitions that need it."""

    secrets: dict[str, list[str]] = field(default_factory=dict)
    extras: dict[str, list[str]] = field(default_factory=dict)
    missing_extras: dict[str, list[str]] = field(default_factory=dict)
    programs: dict[str, list[str]] = field(default_factory=dict)


async def definitions(config: Config) -> AsyncIterator[Finding]:
    """Looks at every definition of the folder. Raises `ConfigProblem`."""
    folder = Path(config.workflows.path)
    if not folder.is_dir():
        yield warning("definitions", f"there is no folder {folder}: nothing is served from it")
        return
    assembly = Assembly(replace(config, storage=Storage(in_memory=InMemoryStorage())))
    needs = _Needs()
    count = 0
    try:
        for file in _files(folder):
            count += 1
            async for finding in _definition(assembly, file, needs):
                yield finding
    finally:
        await assembly.close()
    if not count:
        yield warning("definitions", f"there are none under {folder}")
    async for finding in _secrets(assembly, needs):
        yield finding
    for finding in (*_extras(needs), *_programs(needs)):
        yield finding


async def _definition(assembly: Assembly, file: Path, needs: _Needs) -> AsyncIterator[Finding]:
    try:
        text = file.read_bytes()
        definition = await assembly.definitions.compile(text, str(file), file.resolve().as_uri())
    except OSError as failure:
        yield error("definitions", f"{file}: {failure.strerror}")
        return
    except InvalidDefinition as invalid:
        for located in invalid.problems:
            for extra in EXTRA.findall(located.problem.message):
                needs.missing_extras.setdefault(extra, []).append(str(file))
            yield error("definitions", str(located))
        return
    for name in definition.secrets:
        needs.secrets.setdefault(name, []).append(definition.id)
    problems = await assembly.perform.check(definition)
    _note_kinds(definition, problems, needs)
    for problem in problems:
        yield error("definitions", f"{file}: {problem.position}: {problem.message}")
    if not problems:
        yield ok("definitions", f"{file}: {definition.id} is valid")


def _note_kinds(definition: WorkflowDefinition, problems: list[Problem], needs: _Needs) -> None:
    for problem in problems:
        for extra in EXTRA.findall(problem.message):
            needs.missing_extras.setdefault(extra, []).append(definition.id)
    refused = {problem.position for problem in problems}
    for kind, tasks in definition.effect_kinds.items():
        if kind in OF_KIND:
            needs.extras.setdefault(OF_KIND[kind], []).append(definition.id)
        if kind in PROGRAMS and not any(task.position in refused for task in tasks):
            needs.programs.setdefault(kind, []).append(definition.id)


async def _secrets(assembly: Assembly, needs: _Needs) -> AsyncIterator[Finding]:
    for name, users in sorted(needs.secrets.items()):
        wanted = f"'{name}', needed by {', '.join(users)}"
        try:
            # Away from the event loop: it may be asked for over the network.
            value = await asyncio.to_thread(assembly.environment.secret, name)
        except Faulted as failed:
            yield error("secrets", f"{wanted}: {failed.fault.detail}")
            continue
        if value is None:
            yield error("secrets", f"{wanted}, is missing: see the section 'secrets' of the configuration")
        else:
            yield ok("secrets", wanted)


def _extras(needs: _Needs) -> Iterator[Finding]:
    for extra, users in sorted(needs.missing_extras.items()):
        wanted = ", ".join(dict.fromkeys(users))
        yield error("extras", f"'{extra}' is missing, needed by {wanted}: pip install 'flowrt[{extra}]'")
    lacking = {user for users in needs.missing_extras.values() for user in users}
    for extra, users in sorted(needs.extras.items()):
        # A protocol of AsyncAPI is an extra by itself: who lacks one does not have what it needs of 'asyncapi'.
        content = [user for user in dict.fromkeys(users) if user not in lacking]
        if content:
            yield ok("extras", f"'{extra}' is installed, needed by {', '.join(content)}")


def _programs(needs: _Needs) -> Iterator[Finding]:
    for kind, users in needs.programs.items():
        yield ok("programs", f"run.{kind} is enabled, needed by {', '.join(users)}")


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.name.endswith(SUFFIXES) and not file.name.endswith(TESTS) and not hidden and file.is_file():
            yield file
