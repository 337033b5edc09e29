"""Kubernetes job: a container as the manifests of a Job and of the Secret that holds what the Job must not show.

The Job is created first and owns the Secret: its pod waits for the Secret, and deleting the Job deletes both.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from flowrt.effects.container.definition import Container, reading
from flowrt.effects.container.settings import ContainerSettings

KEY = "flowrt/key"
"""The annotation with the idempotency key; labels cannot hold one."""
CONTAINER = "main"
_FOLDER = "/var/run/flowrt"
_STDIN = "flowrt.stdin"
_PULL = {"ifNotPresent": "IfNotPresent", "always": "Always", "never": "Never"}
_UNFIT = re.compile(r"[^a-z0-9.-]+")
_LONGEST_NAME = 63


def job_name(container: Container) -> str:
    """The container's name as Kubernetes allows it: lower case, 63 characters, its UUID always whole."""
    before, found, after = container.name.lower().partition(container.uuid)
    room = _LONGEST_NAME - len(container.uuid) - 2
    if not found:
        before, after = container.name.lower(), ""
    before = _fit(before)[: room // 2].strip(".-") or "flowrt"
    after = _fit(after)[: room - len(before)].strip(".-")
    return ".".join(filter(None, (f"{before}-{container.uuid}", after)))


def job(container: Container, settings: ContainerSettings) -> dict[str, Any]:
    wanted = settings.kubernetes
    lifetime = {"ttlSecondsAfterFinished": int(container.after_s)} if container.cleanup == "eventually" else {}
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 2,
        "automountServiceAccountToken": wanted.service_account is not None,
        "containers": [_container(container, settings)],
        "volumes": _volumes(container),
    }
    if wanted.service_account is not None:
        pod["serviceAccountName"] = wanted.service_account
    if wanted.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in wanted.pull_secrets]
    labels = {"app.kubernetes.io/managed-by": "flowrt", "flowrt/uuid": container.uuid}
    return {
        "metadata": {"name": job_name(container), "labels": labels, "annotations": {KEY: container.key}},
        "spec": {"backoffLimit": 0, **lifetime, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def secret(container: Container, job_uid: str) -> dict[str, Any]:
    content = {name: value.encode("utf-8", "surrogatepass") for name, value in container.environment.items()}
    if container.stdin is not None:
        content[_STDIN] = container.stdin
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job_name(container), "uid": job_uid}
    return {
        "metadata": {"name": job_name(container), "ownerReferences": [owner]},
        "data": {name: base64.b64encode(value).decode() for name, value in content.items()},
    }


def _container(container: Container, settings: ContainerSettings) -> dict[str, Any]:
    command, arguments = list(container.command or ()), list(container.arguments)
    if container.stdin is not None:
        command, arguments = list(reading((*command, *arguments), f"{_FOLDER}/{_STDIN}")), []
    limits: dict[str, str] = {}
    if settings.memory_bytes is not None:
        limits["memory"] = str(settings.memory_bytes)
    if settings.cpus is not None:
        limits["cpu"] = f"{settings.cpus:g}"
    mounts = [_mount(number, target) for number, target in enumerate(container.volumes.values())]
    if container.stdin is not None:
        mounts.append({"name": "flowrt", "mountPath": _FOLDER, "readOnly": True})
    return {
        "name": CONTAINER,
        "image": container.image,
        "imagePullPolicy": _PULL[container.pull_policy],
        **({"command": command} if command else {}),
        "args": arguments,
        "env": [_variable(container, name) for name in container.environment],
        "ports": [_port(outside, inside) for outside, inside in container.ports.items()],
        "volumeMounts": mounts,
        "resources": {"limits": limits},
        # The end of the output stands in for stderr, which Kubernetes does not keep apart.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _variable(container: Container, name: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": job_name(container), "key": name}}}


def _port(outside: str, inside: str) -> dict[str, Any]:
    number, _, protocol = inside.partition("/")
    address, _, port = outside.rpartition(":")
    host = {"hostIP": address} if address else {}
    return {"containerPort": int(number), "protocol": (protocol or "tcp").upper(), "hostPort": int(port), **host}


def _volumes(container: Container) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = []
    for number, source in enumerate(container.volumes):
        absolute = source.startswith("/")
        kind = {"hostPath": {"path": source}} if absolute else {"persistentVolumeClaim": {"claimName": source}}
        volumes.append({"name": f"volume-{number}", **kind})
    if container.stdin is not None:
        items = [{"key": _STDIN, "path": _STDIN, "mode": 0o444}]
        volumes.append({"name": "flowrt", "secret": {"secretName": job_name(container), "items": items}})
    return volumes


def _mount(number: int, target: str) -> dict[str, Any]:
    path, _, options = target.partition(":")
    return {"name": f"volume-{number}", "mountPath": path, "readOnly": "ro" in options.split(",")}


def _fit(name: str) -> str:
    return _UNFIT.sub("-", name)
