"""What a cluster's controllers and its kubelet do for a Job, done by a test: the API server is real, pods are not run.

Pods are created and their ends reported through the API. Their logs are served over HTTPS, as a kubelet serves them to
the API server.
"""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.servers.certificates import Certificate
from tests.servers.kubernetes import Kubernetes

NODE = "node-1"
_HEADERS = {"Content-Type": "application/strategic-merge-patch+json"}


class Kubelet:
    def __init__(self, cluster: Kubernetes) -> None:
        trust = ssl.create_default_context(cafile=cluster.authority)
        headers = {"Authorization": f"Bearer {cluster.token}"}
        self.client = httpx.AsyncClient(base_url=cluster.url, headers=headers, verify=trust, timeout=30)
        self.logs: dict[str, bytes] = {}
        self._server: asyncio.Server | None = None

    async def start(self, certificate: Certificate) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.certificate, certificate.key)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        port = self._server.sockets[0].getsockname()[1]
        await self._ask("POST", "/api/v1/nodes", {"metadata": {"name": NODE}}, accept=(409,))
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }
        await self._ask("PATCH", f"/api/v1/nodes/{NODE}/status", {"status": status})

    async def stop(self) -> None:
        await self.client.aclose()
        if self._server is not None:
            self._server.close()

    async def job(self, uuid: str) -> dict[str, Any]:
        """The Job, as soon as it and its Secret are there."""
        async with asyncio.timeout(20):
            while True:
                path = "/apis/batch/v1/namespaces/default/jobs"
                found = await self._ask("GET", f"{path}?labelSelector=flowrt/uuid%3D{uuid}")
                if found["items"] and await self.secret(found["items"][0]) is not None:
                    return dict(found["items"][0])
                await asyncio.sleep(0.02)

    async def secret(self, job: dict[str, Any]) -> dict[str, Any] | None:
        path = f"/api/v1/namespaces/default/secrets/{job['metadata']['name']}"
        found = await self._ask("GET", path, accept=(404,))
        return None if found["kind"] == "Status" else found

    async def exists(self, job: dict[str, Any]) -> bool:
        path = f"/apis/batch/v1/namespaces/default/jobs/{job['metadata']['name']}"
        return bool((await self._ask("GET", path, accept=(404,)))["kind"] == "Job")

    async def delete(self, job: dict[str, Any]) -> None:
        path = f"/apis/batch/v1/namespaces/default/jobs/{job['metadata']['name']}"
        await self._ask("DELETE", f"{path}?propagationPolicy=Background")

    async def pod(self, job: dict[str, Any]) -> str:
        """Creates the Job's pod on the node, as the Job controller and the scheduler would."""
        name = f"{job['metadata']['name'][:50]}-pod".replace(".", "-")
        template = job["spec"]["template"]
        body = {
            "metadata": {"name": name, "labels": template["metadata"]["labels"]},
            "spec": {**template["spec"], "nodeName": NODE},
        }
        await self._ask("POST", "/api/v1/namespaces/default/pods", body)
        return name

    async def waiting(self, pod: str, reason: str, message: str) -> None:
        await self._pod_status(pod, "Pending", {"waiting": {"reason": reason, "message": message}})

    async def end(self, job: dict[str, Any], code: int, log: bytes, message: str = "") -> None:
        """The pod ends with the code and the log; the Job completes or fails accordingly."""
        pod = await self.pod(job)
        self.logs[pod] = log
        ended = {"exitCode": code, "message": message, "startedAt": _now(), "finishedAt": _now()}
        await self._pod_status(pod, "Failed" if code else "Succeeded", {"terminated": ended})
        await self.finish(job, failed=code != 0)

    async def finish(self, job: dict[str, Any], *, failed: bool, reason: str = "BackoffLimitExceeded") -> None:
        said = {"status": "True", "lastTransitionTime": _now(), "reason": reason, "message": f"because of {reason}"}
        kinds = ("FailureTarget", "Failed") if failed else ("SuccessCriteriaMet", "Complete")
        conditions = [{"type": kind, **said} for kind in kinds]
        times = {"startTime": _now()} if failed else {"startTime": _now(), "completionTime": _now(), "succeeded": 1}
        path = f"/apis/batch/v1/namespaces/default/jobs/{job['metadata']['name']}/status"
        await self._ask("PATCH", path, {"status": {"conditions": conditions, **times}})

    async def _pod_status(self, pod: str, phase: str, state: dict[str, Any]) -> None:
        container = {"name": "main", "image": "x", "imageID": "x", "ready": False, "restartCount": 0, "state": state}
        status = {"phase": phase, "containerStatuses": [container]}
        await self._ask("PATCH", f"/api/v1/namespaces/default/pods/{pod}/status", {"status": status})

    async def _ask(self, method: str, path: str, body: Any = None, *, accept: tuple[int, ...] = ()) -> dict[str, Any]:
        headers = _HEADERS if method == "PATCH" else {}
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.is_success or answer.status_code in accept, answer.text
        return dict(answer.json())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers GET /containerLogs/<namespace>/<pod>/<container>."""
        head = await reader.readuntil(b"\r\n\r\n")
        pod = head.split(b" ")[1].split(b"?")[0].split(b"/")[3].decode()
        log = self.logs[pod]
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(log) + log)
        await writer.drain()
        writer.close()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
