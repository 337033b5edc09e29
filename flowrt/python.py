"""The Python API: `Runtime`, its handles and results.

async with Runtime(store="memory://") as runtime:
    runtime.deploy("hello.yaml")
    handle = await runtime.start("test:hello", {"name": "Ada"})
    print((await handle.result(timeout=5)).output)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import orjson

from flowrt.assemble import Assembly
from flowrt.compiler import InvalidDefinition
from flowrt.config.model import Config, Secrets, Storage
from flowrt.core.definition import WorkflowDefinition
from flowrt.core.instance import Instance
from flowrt.runtime.refusals import Conflict, InvalidInput, UnknownInstance
from flowrt.stores.protocol import Query

Json = Any
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Result:
    """How an instance ended; `error` is its problem details (RFC 9457) or None."""

    id: str
    status: str
    output: Json
    error: dict[str, Json] | None

    @classmethod
    def of(cls, instance: Instance) -> Result:
        error = None if instance.error is None else instance.error.to_json()
        return cls(instance.id, instance.status, instance.output, error)


class Status(str):
    """A status as last seen; awaiting it asks again."""

    __slots__ = ("handle",)
    handle: Handle

    def __await__(self) -> Generator[Any, None, Status]:
        return self.handle.refresh().__await__()


class Handle:
    """One instance, in any status, running here or stored."""

    def __init__(self, runtime: Runtime, id: str, status: str = "") -> None:
        self.id = id
        self._runtime = runtime
        self._status = status

    @property
    def status(self) -> Status:
        """The status as last seen; `await handle.status` is the present one."""
        instance = self._runtime.assembly.worker.peek(self.id)
        status = Status(self._status if instance is None else instance.status)
        status.handle = self
        return status

    async def refresh(self) -> Status:
        """The present status. Raises `UnknownInstance`."""
        self._status = str((await self.describe())["status"])
        return self.status

    async def describe(self) -> dict[str, Json]:
        """Everything about it: input, context, output, error, where it stands. Raises `UnknownInstance`."""
        return await self._runtime.assembly.service.get(self.id)

    async def tasks(self) -> list[Json]:
        """Its completed tasks, in order."""
        return list(await self._runtime.assembly.service.history(self.id))

    async def result(self, timeout: float | None = None) -> Result:
        """Waits for its end, at most `timeout` seconds (`TimeoutError`)."""
        return Result.of(await self._runtime.assembly.service.result(self.id, timeout))

    async def suspend(self) -> None:
        """What runs finishes, nothing new starts. Raises `Conflict` once it has ended."""
        await self._control("suspend")

    async def resume(self) -> None:
        """Goes on. Raises `Conflict` once it has ended."""
        await self._control("resume")

    async def cancel(self) -> None:
        """Interrupts and ends it. Raises `Conflict` when it has ended otherwise."""
        await self._control("cancel")

    async def retry(self) -> None:
        """Runs a faulted one again from the task that failed. Raises `Conflict` otherwise."""
        await self._control("retry")

    async def fork(self, position: str | None = None, id: str | None = None) -> Handle:
        """A new instance that begins where this one stood before the task at `position` (JSON pointer).

        Only tasks of the workflow's own list; without a position the one where it stands, or has failed. Raises
        `Conflict` for a task that has not run.
        """
        forked = await self._runtime.assembly.service.starting.fork(self.id, position, id)
        return self._runtime.handle(forked.id)

    async def _control(self, verb: str) -> None:
        self._status = await self._runtime.assembly.service.control(self.id, verb)


class Runtime:
    """A runtime in this process, between `async with` and its end."""

    def __init__(
        self,
        store: str | None = "memory://",
        secrets: Mapping[str, Json] | None = None,
        metadata: Mapping[str, Json] | None = None,
        config: Config | None = None,
    ) -> None:
        """`store` is a URL (None: as `config` says); `metadata` is `$runtime.metadata`."""
        config = config or Config()
        if store is not None:
            config = replace(config, storage=Storage(url=store))
        if secrets is not None:
            config = replace(config, secrets=Secrets(values=dict(secrets)))
        if metadata is not None:
            config = replace(config, metadata=dict(metadata))
        self.assembly = Assembly(config, trusted=True)

    async def __aenter__(self) -> Runtime:
        await self.assembly.host.open()
        for stored in await self.assembly.store.deployed():
            definition = await self.assembly.definitions.pinned(stored.digest)
            if definition is not None:
                self.assembly.definitions.deploy(definition)
        await self.assembly.host.restore()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.assembly.host.close()
        await self.assembly.outside.close()

    def function(self, name: str) -> Callable[[Function], Function]:
        """Registers a function or class as a task: `call: name` calls it with the members of `with`."""

        def register(function: Function) -> Function:
            self.assembly.functions.register(name, function)
            return function

        return register

    def deploy(self, source: str | Path) -> WorkflowDefinition:
        """Serves a definition, given as its text or the path of its file. Raises `InvalidDefinition`."""
        path = Path(source) if isinstance(source, Path) or "\n" not in source else None
        if path is not None and (isinstance(source, Path) or path.suffix in (".yaml", ".yml", ".json")):
            file, text = str(path), path.read_text(encoding="utf-8")
            base_uri: str | None = path.resolve().as_uri()
        else:
            file, text, base_uri = None, str(source), None
        definition: WorkflowDefinition = _wait(lambda: self._compile(text, file, base_uri))
        self.assembly.service.serve(definition)
        return definition

    async def _compile(self, text: str, file: str | None, base_uri: str | None) -> WorkflowDefinition:
        try:
            return await self.assembly.service.compile(text, file, base_uri)
        finally:
            # Connections belong to an event loop, and that of a deployment is its own.
            await self.assembly.outside.close()

    async def start(
        self,
        name: str,
        input: Json = None,
        *,
        id: str | None = None,
        tags: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Handle:
        """Starts `ns:name` (the highest version) or `ns:name:version`; returns when that is durable."""
        namespace, _, rest = name.partition(":")
        workflow, _, version = rest.partition(":")
        service = self.assembly.service
        definition = service.definitions.find(namespace, workflow, version or None)
        instance = await service.starting.start(definition, input, id, tags, idempotency_key)
        return Handle(self, instance.id, instance.status)

    async def publish(self, event: Json) -> bool:
        """Offers a CloudEvent (a mapping, or an event of the `cloudevents` package) to all that listen.

        Returns when that is durable. False: it was accepted before. Raises `InvalidEvent`.
        """
        return await self.assembly.service.publish(_event_json(event))

    def handle(self, id: str) -> Handle:
        """A handle of any stored instance."""
        return Handle(self, id)

    async def instances(self, **query: Any) -> AsyncIterator[Handle]:
        """Instances, newest first; `status`, `namespace`, `name`, `tag`, `since` as in `Query`."""
        wanted = Query(**query)
        while True:
            page = await self.assembly.service.list(wanted)
            for entry in page.items:
                yield Handle(self, entry.id, entry.status)
            if page.next is None:
                return
            wanted = replace(wanted, cursor=page.next)

    def on_event(self, callback: Callable[[dict[str, Json]], Any]) -> None:
        """Calls back for every CloudEvent emitted, lifecycle ones (`io.serverlessworkflow.*`) too."""
        self.assembly.service.on_event(callback)


def _event_json(event: Any) -> Json:
    if isinstance(event, Mapping):
        return dict(event)
    from cloudevents.core.formats.json import JSONFormat

    return orjson.loads(JSONFormat().write(event))


def _wait(make: Callable[[], Any]) -> Any:
    """Runs a coroutine to its end from synchronous code, beside an event loop that may be running."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append((asyncio.run(make()), None))
        except BaseException as error:  # Handed to the caller, who waits in another thread.
            outcome.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


__all__ = ["Conflict", "Handle", "InvalidDefinition", "InvalidInput", "Result", "Runtime", "UnknownInstance"]
