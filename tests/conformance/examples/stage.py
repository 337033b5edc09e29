"""An example of the specification on a stage: it runs as it is written, but what it calls are stand-ins of the test."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from flowrt import Runtime
from flowrt.config.model import Config
from flowrt.python import Handle, Result
from tests.conformance.spec import SPECIFICATION
from tests.effects.http.local_web import Web, answer

Json = Any
PATIENT_S = 30
EXAMPLES = SPECIFICATION / "examples"
PET = {"id": 7, "name": "Milou", "status": "available"}
_CALLED = re.compile(
    r"https?://(petstore\.swagger\.io|swapi\.dev|fake\.com|fake-hospital\.com|fake-chat-api\.com|myorg\.io|keycloak|"
    r"superbet-casinos\.com|virtual-wf-powered-race\.com|(hospital\.)?example\.com|raw\.githubusercontent\.com)(?=/)"
)
"""What the examples call; addresses that are only names, as those of error types are, stay."""


@dataclass
class Stage:
    """A runtime and the HTTP server that stands in for everybody else's."""

    runtime: Runtime
    web: Web
    emitted: list[dict[str, Json]] = field(default_factory=list)
    _numbers: Any = field(default_factory=count)

    async def deploy(self, name: str, changes: Mapping[str, str] | None = None) -> str:
        """Serves the example, some words of it changed; its `namespace:name`."""
        text = _CALLED.sub(self.web.url, (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
        for old, new in (changes or {}).items():
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new)
        service = self.runtime.assembly.service
        definition = await service.compile(text, f"{name}.yaml", None)
        service.serve(definition)
        return f"{definition.namespace}:{definition.name}"

    async def start(self, name: str, input: Json = None, changes: Mapping[str, str] | None = None) -> Handle:
        return await self.runtime.start(await self.deploy(name, changes), {} if input is None else input)

    async def run(self, name: str, input: Json = None, changes: Mapping[str, str] | None = None) -> Result:
        return await (await self.start(name, input, changes)).result(PATIENT_S)

    async def output(self, name: str, input: Json = None, changes: Mapping[str, str] | None = None) -> Json:
        """The output of a run that completes."""
        result = await self.run(name, input, changes)
        assert result.status == "completed", result.error
        return result.output

    async def publish(self, type: str, data: Json = None, **attributes: Json) -> dict[str, Json]:
        event = {"specversion": "1.0", "id": f"e{next(self._numbers)}", "source": "/test", "type": type, **attributes}
        if data is not None:
            event["data"] = data
        await self.runtime.publish(event)
        return event

    async def waiting(self, handle: Handle, what: str = "event") -> None:
        """Returns when the instance waits for it."""
        async with asyncio.timeout(PATIENT_S):
            while True:
                seen = await handle.describe()
                if [each["waitsFor"] for each in seen["standing"]] == [what]:
                    return
                assert seen["endedAt"] is None, seen["error"]
                await asyncio.sleep(0.01)

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENT_S):
            while not reached():
                await asyncio.sleep(0.01)

    async def events(self, number: int) -> list[dict[str, Json]]:
        """What workflows emitted, without the events of their lifecycle, as soon as it is as many."""
        lifecycle = ("io.serverlessworkflow.workflow.", "io.serverlessworkflow.task.")
        found: list[dict[str, Json]] = []

        def reached() -> bool:
            found[:] = [each for each in self.emitted if not each["type"].startswith(lifecycle)]
            return len(found) >= number

        await self.until(reached)
        return found


@asynccontextmanager
async def staged(config: Config | None = None, secrets: Mapping[str, Json] | None = None) -> AsyncIterator[Stage]:
    async with Web() as web, Runtime(secrets=secrets, config=config) as runtime:
        stage = Stage(runtime, web)
        runtime.on_event(stage.emitted.append)
        web.on["/v2/pet/7"] = web.on["/v2/pet/1"] = answer(200, PET)
        yield stage
