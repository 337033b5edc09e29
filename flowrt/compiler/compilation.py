"""Compilation: one document on its way to a definition; what readers ask for, and the lists they fill."""

from __future__ import annotations

import hashlib
from typing import Any

from flowrt.compiler.document import Document, Unreadable, read
from flowrt.compiler.externals import function_uri
from flowrt.compiler.header import read_header
from flowrt.compiler.languages import CompileExpression, Languages
from flowrt.compiler.schemas import read_schema
from flowrt.compiler.secrecy import guarded
from flowrt.compiler.uses import Uses
from flowrt.core.build import Problem
from flowrt.core.definition import CheckSchema, Task, WorkflowDefinition
from flowrt.core.expression import Expression
from flowrt.core.reader import Reader
from flowrt.tasks import TASKS
from flowrt.tasks.common import SHARED, connect, place, read_input, read_output, read_shared, read_timeout
from flowrt.tasks.do import Do
from flowrt.tasks.extended import Extended, extends
from flowrt.tasks.schedule import read_schedule

Json = Any

LONGEST_POSITION = 700


class Compilation:
    """One run of the compiler: what readers ask for (`Build`), and the lists they fill."""

    def __init__(self, document: Document, languages: Languages) -> None:
        self.document = document
        self.languages = languages
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.loose = False
        self.tasks: dict[str, Task] = {}
        self.bounded = True
        self._extending = False
        self._functions: list[str] = []
        self._compile: CompileExpression = languages.expressions["jq"]
        self._expressions: dict[str, Expression] = {}
        self.root = Reader(document.data, "", self)
        self.uses = Uses(self.root)

    def run(self, source: str, base_uri: str | None) -> WorkflowDefinition:
        """Reads the whole document; with problems the result is of no use."""
        known = ("document", "input", "use", "do", "timeout", "output", "schedule", "evaluate")
        root = self.root.object(known, required=("document", "do"))
        header = read_header(root)
        self._evaluate(root)
        self.uses.read()
        task = self._root_task(root)
        schedule = root.get("schedule")
        definition = WorkflowDefinition(
            header.namespace,
            header.name,
            header.version,
            self._digest(source),
            self.document.data if isinstance(self.document.data, dict) else {},
            source,
            task,
            self.tasks,
            secrets=self.uses.secrets,
            tags=header.tags,
            base_uri=base_uri,
        )
        if schedule is not None:
            definition.schedule = read_schedule(schedule)
        self._finish(definition)
        return definition

    def _digest(self, source: str) -> str:
        digest = hashlib.sha256(source.encode())
        for uri in sorted(self.languages.resources):
            digest.update(b"\0" + uri.encode() + b"\0" + self.languages.resources[uri])
        return digest.hexdigest()

    def _evaluate(self, root: Reader) -> None:
        if (evaluate := root.get("evaluate")) is None:
            return
        evaluate.object(("language", "mode"))
        if (mode := evaluate.get("mode")) is not None:
            self.loose = mode.one_of("strict", "loose") == "loose"
        if (language := evaluate.get("language")) is not None:
            name = language.one_of(*self.languages.expressions)
            self._compile = self.languages.expressions[name]

    def _root_task(self, root: Reader) -> Task:
        task = Do()
        place(task, root, "", 0)
        task.hidden = True
        do = root.get("do")
        task.body = do.tasks() if do is not None else ()
        connect(task, task.body)
        read_input(task, root)
        read_output(task, root)
        if (timeout := root.get("timeout")) is not None:
            task.timeout = read_timeout(timeout)
        finish_root = (task.input_schema, task.input_from, task.timeout)
        task.plain_entry = all(part is None for part in finish_root)
        task.plain_exit = task.output_as is None and task.output_schema is None
        return task

    def _finish(self, definition: WorkflowDefinition) -> None:
        kinds: dict[str, list[Task]] = {}
        self.tasks.clear()
        for root in (definition.root, definition.schedule):
            if root is not None:
                self._walk(root, "", kinds)
        definition.bounded = self.bounded
        definition.effect_kinds = kinds
        definition.warnings = tuple(dict.fromkeys(f"{each.position}: {each.message}" for each in self.warnings))
        definition.expressions = tuple(self._expressions)
        schema = definition.document.get("input", {})
        schema = schema.get("schema", {}) if isinstance(schema, dict) else {}
        definition.input_schema = schema.get("document") if isinstance(schema, dict) else None

    def _walk(self, task: Task, loop: str, kinds: dict[str, list[Task]]) -> list[str]:
        """Tells every task below its loop; gives the keys of the loops inside."""
        task.loop = loop
        self.tasks[task.key] = task
        if len(task.key) > LONGEST_POSITION:
            self.problems.append(
                Problem(
                    task.position, f"the position is longer than {LONGEST_POSITION} characters", "Nest less deeply."
                )
            )
        kind = getattr(task, "effect_kind", None)
        if kind is not None:
            kinds.setdefault(kind, []).append(task)
            written = str(task.definition)
            task.reads_context = "context" in written or "authentication" in written
        own = task.key if task.counts_rounds else loop
        inner = [key for child in task.children for key in self._walk(child, own, kinds)]
        if task.counts_rounds:
            task.inner_loops = tuple(inner)
            return [task.key, *inner]
        return inner

    # What readers ask for

    def expression(self, source: str) -> Expression:
        """Compiles one expression of the document's language; the same source is compiled once."""
        if source not in self._expressions:
            compiled = self._language(source)
            self._expressions[source] = guarded(compiled)
        found = self._expressions[source]
        self.bounded = self.bounded and found.bounded
        return found

    def in_jq(self, source: str) -> bool:
        """Whether an expression is one of jq's, the document's language."""
        prefix, colon, _ = source.partition(":")
        named = bool(colon) and prefix in self.languages.expressions
        return self._compile is self.languages.expressions["jq"] and not named

    def _language(self, source: str) -> Expression:
        """Compiles by the language that a prefix such as `cel:` names, else by the document's."""
        prefix, colon, rest = source.partition(":")
        if colon and prefix in self.languages.expressions:
            return self.languages.expressions[prefix](rest.strip())
        return self._compile(source)

    def schema(self, reader: Reader) -> CheckSchema | None:
        """The check of a `schema` object, inline or external."""
        return read_schema(reader, self.languages.resources)

    def reference(self, section: str, name: str) -> Reader | None:
        """The component `use.<section>.<name>`."""
        return self.uses.component(section, name)

    def external_function(self, name: str) -> Reader | None:
        """The function that stands at a URI or in a catalog; None when `name` is neither, or it cannot be had."""
        external = function_uri(name, self.uses.catalogs(), self.languages.default_catalog)
        content = None if external is None else self.languages.resources.get(external.uri)
        if external is None or content is None:
            return None
        try:
            return Reader(read(content).data, "", self)
        except Unreadable as error:
            self.problems.append(Problem("/use/catalogs", f"the function {external.uri} cannot be read: {error}"))
            return None

    def resource(self, uri: str) -> bytes | None:
        """An external document, fetched before."""
        return self.languages.resources.get(uri)

    def function(self, name: str) -> bool:
        """Whether a Python function of that name is registered."""
        return self.languages.functions(name)

    def secret(self, name: str) -> bool:
        """Whether `use.secrets` lists it."""
        return name in self.uses.secrets

    def task(self, reader: Reader, name: str, index: int) -> Task:
        """The task that stands there, within the extensions that apply to it."""
        if not isinstance(reader.value, dict):
            reader.object()
            return self._nothing(reader, name, index)
        keyword = self._keyword(reader)
        if keyword is None:
            return self._nothing(reader, name, index)
        parse, own = TASKS[keyword]
        reader.object((*own, *SHARED))
        task = parse(reader)
        place(task, reader, name, index)
        read_shared(task, reader)
        return self._extended(task, reader)

    def body(self, reader: Reader, name: str) -> Task:
        """The task of a function; one that calls itself would have no end."""
        if name in self._functions:
            reader.problem(f"the function '{name}' calls itself", "Use a loop, or a sub-workflow.")
            return self._nothing(reader, name, 0)
        self._functions.append(name)
        task = self.task(reader, name, 0)
        self._functions.pop()
        return task

    @staticmethod
    def _keyword(reader: Reader) -> str | None:
        found = [keyword for keyword in TASKS if keyword in reader.value]
        if "for" in found and "do" in found:
            found.remove("do")
        if len(found) == 1:
            return found[0]
        known = ", ".join(TASKS)
        if found:
            reader.problem(f"a task is one thing, this one is {' and '.join(found)}", "Make it several tasks.")
        else:
            reader.object((*SHARED, *{name for _, own in TASKS.values() for name in own}))
            reader.problem(f"no task: none of {known} is here", "Say what the task does.")
        return None

    @staticmethod
    def _nothing(reader: Reader, name: str, index: int) -> Task:
        task = Do()
        task.body = ()
        place(task, reader, name, index)
        return task

    def _extended(self, task: Task, reader: Reader) -> Task:
        if self._extending:
            return task
        self._extending = True
        for name, extension in reversed(self.uses.extensions()):
            if isinstance(extension.value, dict) and extends(str(extension.value.get("extend")), task):
                task = Extended.around(task, reader, name, extension)
        self._extending = False
        return task
