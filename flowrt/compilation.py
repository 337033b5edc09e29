"""Compilation: one document on its way to a definition; what readers ask for, and the lists they fill."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowrt.core.build import Problem
from flowrt.core.definition import CheckSchema, Task, WorkflowDefinition
from flowrt.core.expression import Expression, ExpressionFailed, Lookup
from flowrt.core.fault import Fault, Faulted
from flowrt.core.reader import Reader
from flowrt.document import Document, Unreadable, read
from flowrt.externals import function_uri
from flowrt.schemas import FORMATS, InvalidSchema, compile_schema
from flowrt.tasks import TASKS
from flowrt.tasks.common import SHARED, connect, place, read_input, read_output, read_shared, read_timeout
from flowrt.tasks.do import Do
from flowrt.tasks.endpoint import read_endpoint
from flowrt.tasks.extended import TARGETS, Extended, extends
from flowrt.tasks.schedule import read_schedule

Json = Any

NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
VERSION = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
SECRET = re.compile(r"\$secrets?(?:\.([A-Za-z_]\w*)|\[\"([^\"\\]*)\"\]|\.\"([^\"\\]*)\")")
LONGEST_POSITION = 700

CompileExpression = Callable[[str], Expression]


@dataclass(frozen=True, slots=True)
class Languages:
    """What a definition may lean on outside itself."""

    expressions: Mapping[str, CompileExpression]
    """Expression languages by name; `jq` must be one."""
    functions: Callable[[str], bool] = lambda name: False
    """Whether a Python function of that name is registered."""
    resources: Mapping[str, bytes] = field(default_factory=dict)
    """External documents by URI, fetched beforehand."""
    default_catalog: str | None = None
    """Root URI of the catalog `default`."""


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
        self._secrets: frozenset[str] = frozenset()
        self._compile: CompileExpression = languages.expressions["jq"]
        self._expressions: dict[str, Expression] = {}
        self.root = Reader(document.data, "", self)
        self._uses: Mapping[str, Reader] = {}

    def run(self, source: str, base_uri: str | None) -> WorkflowDefinition:
        """Reads the whole document; with problems the result is of no use."""
        known = ("document", "input", "use", "do", "timeout", "output", "schedule", "evaluate")
        root = self.root.object(known, required=("document", "do"))
        namespace, name, version, tags = self._head(root)
        self._evaluate(root)
        self._use(root)
        task = self._root_task(root)
        schedule = root.get("schedule")
        definition = WorkflowDefinition(
            namespace,
            name,
            version,
            self._digest(source),
            self.document.data if isinstance(self.document.data, dict) else {},
            source,
            task,
            self.tasks,
            secrets=self._secrets,
            tags=tags,
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

    def _head(self, root: Reader) -> tuple[str, str, str, dict[str, str]]:
        document = root.get("document")
        if document is None:
            return "", "", "", {}
        required = ("dsl", "namespace", "name", "version")
        document.object((*required, "title", "summary", "tags", "metadata"), required=required)
        dsl = document.get("dsl")
        if dsl is not None and not (isinstance(dsl.value, str) and re.fullmatch(r"1\.0\.\d+(-.+)?", dsl.value)):
            shown = dsl.value if isinstance(dsl.value, str) else repr(dsl.value)
            remedy = "Write dsl: '1.0.3'"
            dsl.problem(f"the DSL version {shown} is not one this runtime reads (1.0.x)", remedy)
        words = {}
        for member, pattern, what in (
            ("namespace", NAME, "a name of letters, digits and inner hyphens (at most 63)"),
            ("name", NAME, "a name of letters, digits and inner hyphens (at most 63)"),
            ("version", VERSION, "a semantic version such as 1.0.0 (a string)"),
        ):
            found = document.get(member)
            matches = pattern.fullmatch
            words[member] = found.string(lambda t, m=matches: m(t) is not None, what) if found is not None else ""  # type: ignore[misc]
        tags = document.get("tags")
        values = {key: str(tag.value) for key, tag in tags.members()} if tags is not None else {}
        return words["namespace"], words["name"], words["version"], values

    def _evaluate(self, root: Reader) -> None:
        if (evaluate := root.get("evaluate")) is None:
            return
        evaluate.object(("language", "mode"))
        if (mode := evaluate.get("mode")) is not None:
            self.loose = mode.one_of("strict", "loose") == "loose"
        if (language := evaluate.get("language")) is not None:
            name = language.one_of(*self.languages.expressions)
            self._compile = self.languages.expressions[name]

    def _use(self, root: Reader) -> None:
        sections = (
            "authentications",
            "catalogs",
            "errors",
            "extensions",
            "functions",
            "retries",
            "secrets",
            "timeouts",
        )
        use = root.get("use")
        if use is None:
            return
        use.object(sections)
        self._uses = {name: found for name in sections if (found := use.get(name)) is not None}
        if "secrets" in self._uses:
            self._secrets = frozenset(secret.string() for secret in self._uses["secrets"].items())
        for name in ("authentications", "catalogs", "errors", "functions", "retries", "timeouts"):
            if name in self._uses:
                self._uses[name].object()
        for _, catalog in self._uses["catalogs"].members() if "catalogs" in self._uses else ():
            endpoint = catalog.object(("endpoint",), required=("endpoint",)).get("endpoint")
            if endpoint is not None:
                read_endpoint(endpoint)
        for _, extension in self._extensions():
            extension.object(("extend", "when", "before", "after"), required=("extend",))
            if (extend := extension.get("extend")) is not None:
                extend.one_of(*TARGETS)

    def _extensions(self) -> list[tuple[str, Reader]]:
        return self._uses["extensions"].named_items() if "extensions" in self._uses else []

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
            self._expressions[source] = self._guarded(compiled)
        found = self._expressions[source]
        self.bounded = self.bounded and found.bounded
        return found

    def _language(self, source: str) -> Expression:
        """Compiles by the language that a prefix such as `cel:` names, else by the document's."""
        prefix, colon, rest = source.partition(":")
        if colon and prefix in self.languages.expressions:
            return self.languages.expressions[prefix](rest.strip())
        return self._compile(source)

    def _guarded(self, compiled: Expression) -> Expression:
        """An expression that mentions secrets by name is refused those that are not there."""
        wanted = {a or b or c for a, b, c in SECRET.findall(compiled.source)}
        if not wanted or not compiled.names & {"secrets", "secret"}:
            return compiled
        evaluate, argument = compiled.evaluate, "secrets" if "secrets" in compiled.names else "secret"

        def guarded(data: Json, lookup: Lookup) -> Json:
            secrets = lookup(argument)
            for name in wanted:
                if name not in secrets:
                    raise Faulted(Fault.of("authorization", f"The secret '{name}' is not available to this workflow."))
            try:
                return evaluate(data, lookup)
            except ExpressionFailed:
                # The language's message may quote the data.
                raise ExpressionFailed(
                    f"the expression '{compiled.source}' failed (details withheld: it reads secrets)"
                ) from None

        return Expression(compiled.source, compiled.names, guarded, compiled.native, compiled.bounded)

    def schema(self, reader: Reader) -> CheckSchema | None:
        """The check of a `schema` object, inline or external."""
        reader.object(("format", "document", "resource"))
        format_ = reader.get("format")
        name = format_.string().partition(":")[0] if format_ is not None else "json"
        if format_ is not None and name not in FORMATS:
            format_.problem(f"the schema format '{format_.value}' is not supported", f"Use {', '.join(FORMATS)}.")
            return None
        document, resource = reader.get("document"), reader.get("resource")
        if (document is None) == (resource is None):
            reader.problem("a schema has either 'document' or 'resource'")
            return None
        value = document.value if document is not None else self._resource(resource, name)
        if document is None and value is None:
            return None
        try:
            return compile_schema(value, name)
        except InvalidSchema as error:
            (document or reader).problem(f"this is no valid schema: {error}")
            return None

    def _resource(self, resource: Reader | None, format_: str) -> Json:
        assert resource is not None
        resource.object(("name", "endpoint"), required=("endpoint",))
        endpoint = resource.get("endpoint")
        uri = endpoint.value.get("uri") if endpoint is not None and isinstance(endpoint.value, dict) else None
        uri = uri if uri is not None else (endpoint.value if endpoint is not None else None)
        content = self.languages.resources.get(uri) if isinstance(uri, str) else None
        if content is None:
            resource.problem(f"the external document {uri!r} could not be loaded", "Check its endpoint.")
            return None
        if format_ == "xml":
            return content.decode("utf-8", "replace")
        try:
            return read(content).data
        except Unreadable as error:
            resource.problem(f"the external document {uri} cannot be read: {error}")
            return None

    def reference(self, section: str, name: str) -> Reader | None:
        """The component `use.<section>.<name>`."""
        found = self._uses.get(section)
        return found.get(name) if found is not None else None

    def external_function(self, name: str) -> Reader | None:
        """The function that stands at a URI or in a catalog; None when `name` is neither, or it cannot be had."""
        catalogs = self._uses["catalogs"].value if "catalogs" in self._uses else {}
        external = function_uri(name, catalogs, self.languages.default_catalog)
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
        return name in self._secrets

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
        for name, extension in reversed(self._extensions()):
            if isinstance(extension.value, dict) and extends(str(extension.value.get("extend")), task):
                task = Extended.around(task, reader, name, extension)
        self._extending = False
        return task
