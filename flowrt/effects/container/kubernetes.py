"""Kubernetes engine: a container's life as a Job.

The Job's name holds the effect's UUID, so the same effect finds its Job again. Kubernetes keeps one stream of output:
it is stdout here; stderr is the last of it (up to 2 KiB) when the container failed. A default command cannot be seen
from outside, so arguments without a command replace it, and stdin needs a command.
"""

from __future__ import annotations

import asyncio
from typing import Any

from flowrt.core.fault import Fault, Faulted
from flowrt.effects.container.definition import Container
from flowrt.effects.container.engine import uninterrupted
from flowrt.effects.container.kubernetes_api import TIMEOUT_S, KubernetesApi, refused
from flowrt.effects.container.kubernetes_job import CONTAINER, KEY, job, job_name, secret
from flowrt.effects.container.settings import ContainerSettings
from flowrt.effects.process_result import ProcessResult

_WATCH_S = 10
"""Longest time between two looks at a Job's pod; its end is seen at once."""
_RECONNECT_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses between tries to reach the cluster again while a Job runs."""
_NO_IMAGE = ("ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")
"""Why a pod waits when its image will not come; `ErrImagePull` alone is tried again at once."""


class KubernetesEngine:
    """Runs containers as Jobs."""

    def __init__(self, settings: ContainerSettings) -> None:
        self._settings = settings
        self._api = KubernetesApi(settings.kubernetes)

    async def run(self, container: Container) -> ProcessResult:
        if container.stdin is not None and container.command is None:
            raise Faulted(Fault.of("configuration", "stdin needs a command on Kubernetes; add `command`"))
        await self._api.open()
        await uninterrupted(self._begin(container))
        failure = await self._end(container)
        result = await self._result(container, failure)
        if container.cleanup == "always":
            await self._delete(container)
        return result

    async def remove(self, container: Container) -> None:
        await self._api.open()
        if await self._find(container) is not None:
            await self._delete(container)

    def sweep(self) -> None:
        """Nothing to do: the cluster removes Jobs by their `ttlSecondsAfterFinished`."""

    async def close(self) -> None:
        await self._api.close()

    async def _find(self, container: Container) -> Any:
        """The Job, None if there is none."""
        request = self._api.jobs.read_namespaced_job(
            job_name(container), self._api.namespace, _request_timeout=TIMEOUT_S
        )
        found = await self._api.call(request, "look up the job", accept=(404,))
        if found is not None and (found.metadata.annotations or {}).get(KEY) != container.key:
            detail = f"job {job_name(container)!r} belongs to another container; give this one a name of its own"
            raise Faulted(Fault.of("configuration", detail, status=409))
        return found

    async def _begin(self, container: Container) -> None:
        """The Job and its Secret, each unless it is there."""
        namespace, name = self._api.namespace, job_name(container)
        found = await self._find(container)
        if found is None:
            request = self._api.jobs.create_namespaced_job(namespace, job(container, self._settings))
            found = await self._api.call(request, f"create job {name}")
        request = self._api.core.create_namespaced_secret(namespace, secret(container, found.metadata.uid))
        try:
            await self._api.call(request, f"create the secret of job {name}", accept=(409,))
        except Faulted as failure:
            if failure.fault.status != 503:
                await self._delete(container)
            raise

    async def _end(self, container: Container) -> str | None:
        """Waits for the Job to finish; gives the reason if it failed."""
        pauses = iter(_RECONNECT_S)
        while True:
            try:
                found = await self._find(container)
                if found is None:
                    raise Faulted(Fault.of("runtime", f"job {job_name(container)} was removed by somebody else"))
                for condition in found.status.conditions or ():
                    if condition.status == "True" and condition.type in ("Complete", "Failed"):
                        return condition.message or condition.reason if condition.type == "Failed" else None
                await self._need_image(container)
                await self._change(found)
                pauses = iter(_RECONNECT_S)
            except Faulted as failure:
                # The Job goes on while the cluster's API is away; a fault would have a retry start a second one.
                pause_s = next(pauses, None) if failure.fault.status == 503 else None
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)

    async def _change(self, found: Any) -> None:
        """Returns when the Job has changed since `found`, or after a while."""
        request = self._api.jobs.list_namespaced_job(
            self._api.namespace,
            field_selector=f"metadata.name={found.metadata.name}",
            resource_version=found.metadata.resource_version,
            timeout_seconds=_WATCH_S,
            watch=True,
            _preload_content=False,
            _request_timeout=TIMEOUT_S,
        )
        answer = await self._api.call(request, "watch the job")
        try:
            event = await self._api.call(answer.content.readline(), "watch the job")
            if answer.status >= 400 and answer.status != 410:
                raise refused("watch the job", answer.status, event)
        finally:
            answer.close()

    async def _need_image(self, container: Container) -> None:
        """Faults when the pod waits for an image that does not come: its Job would wait for ever."""
        for pod in await self._pods(container):
            for status in pod.status.container_statuses or ():
                waiting = status.state.waiting
                if waiting is not None and waiting.reason in _NO_IMAGE:
                    await self._delete(container)
                    detail = f"image {container.image!r}: {waiting.reason}: {waiting.message or 'no more is known'}"
                    raise Faulted(Fault.of("configuration", detail, status=404))

    async def _pods(self, container: Container) -> list[Any]:
        selector = f"flowrt/uuid={container.uuid}"
        request = self._api.core.list_namespaced_pod(self._api.namespace, label_selector=selector)
        pods: list[Any] = (await self._api.call(request, "list the job's pods")).items
        return sorted(pods, key=lambda pod: pod.metadata.creation_timestamp)

    async def _result(self, container: Container, failure: str | None) -> ProcessResult:
        for pod in reversed(await self._pods(container)):
            for status in pod.status.container_statuses or ():
                ended = status.state.terminated
                if ended is not None and status.name == CONTAINER:
                    stdout = await self._log(pod.metadata.name)
                    stderr = (ended.message or "").encode()
                    return ProcessResult.decoded(ended.exit_code, stdout, stderr)
        reason = failure or "its pod is gone and its output with it"
        raise Faulted(Fault.of("runtime", f"job {job_name(container)}: {reason}"))

    async def _log(self, pod: str) -> bytes:
        limit = self._settings.output_bytes
        request = self._api.core.read_namespaced_pod_log(
            pod, self._api.namespace, container=CONTAINER, limit_bytes=limit + 1, _preload_content=False
        )
        answer = await self._api.call(request, "read the output")
        content: bytes = await self._api.call(answer.read(), "read the output")
        if answer.status >= 400:
            raise refused("read the output", answer.status, content)
        if len(content) > limit:
            raise Faulted(Fault.of("runtime", f"the container wrote more than {limit} bytes"))
        return content

    async def _delete(self, container: Container) -> None:
        request = self._api.jobs.delete_namespaced_job(
            job_name(container), self._api.namespace, propagation_policy="Background"
        )
        await self._api.call(request, "delete the job", accept=(404,))
