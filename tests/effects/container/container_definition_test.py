"""What a task's arguments become before any engine sees them: names, commands, ports, images, manifests."""

from __future__ import annotations

import base64
import re

import pytest

from flowrt.core.effect import Effect
from flowrt.core.fault import Faulted
from flowrt.effects.container.definition import container_of
from flowrt.effects.container.docker_creation import creation
from flowrt.effects.container.docker_images import registry, split
from flowrt.effects.container.docker_logs import read_logs
from flowrt.effects.container.kubernetes_job import job, job_name, secret
from flowrt.effects.container.settings import ContainerSettings, KubernetesSettings

IMAGE = {"Config": {"Entrypoint": None, "Cmd": None}}


def container(*, attempt=0, task="print", workflow="orders", **arguments):
    arguments = {"image": "alpine", **arguments}
    effect = Effect(
        "container", arguments, "01J", "/do/0/print", attempt=attempt, task=task, workflow=("shop", workflow, "1")
    )
    return container_of(effect)


def test_the_name_is_the_conventions_and_the_same_for_the_same_effect():
    name = container().name
    assert re.fullmatch(r"orders-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.shop-print", name)
    assert container().name == name
    assert container(attempt=1).name != name
    assert container(name="mine").name == "mine"
    assert container(task="ça va / bien").name.endswith(".shop--a-va-bien")


def test_secrets_do_not_show():
    assert "s3cret" not in repr(container(environment={"A": "s3cret"}, stdin="s3cret", arguments=["s3cret"]))


def test_ports():
    ports = {"8080": 80, "127.0.0.1:8443": "443/tcp", "53": "53/udp", "9090": 80}
    wanted = creation(container(ports=ports), IMAGE, ContainerSettings())
    assert wanted["ExposedPorts"] == {"80/tcp": {}, "443/tcp": {}, "53/udp": {}}
    assert wanted["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "", "HostPort": "9090"}],
        "443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8443"}],
        "53/udp": [{"HostIp": "", "HostPort": "53"}],
    }


@pytest.mark.parametrize(
    ("image", "name", "tag", "host"),
    [
        ("alpine", "alpine", "latest", "docker.io"),
        ("team/tool:1.2", "team/tool", "1.2", "docker.io"),
        ("localhost:5000/tool", "localhost:5000/tool", "latest", "localhost:5000"),
        ("registry.org/team/tool:2", "registry.org/team/tool", "2", "registry.org"),
        ("localhost/tool@sha256:abc", "localhost/tool", "sha256:abc", "localhost"),
    ],
)
def test_image_names(image, name, tag, host):
    assert split(image) == (name, tag)
    assert registry(name) == host


def frame(stream: int, text: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


@pytest.mark.parametrize("size", [1, 3, 8, 1000])
async def test_logs_are_taken_apart_however_they_are_cut(size):
    written = frame(1, b"out 1\n") + frame(2, b"err\n") + frame(1, b"") + frame(1, b"out 2")

    async def chunks():
        for start in range(0, len(written), size):
            yield written[start : start + size]

    assert await read_logs(chunks(), 15) == (b"out 1\nout 2", b"err\n")
    with pytest.raises(Faulted, match="more than 14 bytes"):
        await read_logs(chunks(), 14)


class TestJob:
    def test_names_are_what_kubernetes_takes(self):
        plain = container()
        assert job_name(plain) == plain.name
        for odd in (
            container(workflow="Orders" * 20, task="Print All!" * 20),
            container(name="Hello World"),
            container(name="-"),
            container(task="--"),
        ):
            name = job_name(odd)
            assert len(name) <= 63
            assert odd.uuid in name
            assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", part) for part in name.split("."))

    def test_what_is_secret_is_only_in_the_secret(self):
        wanted = container(command=["cat"], environment={"TOKEN": "s3cret"}, stdin="st-din")
        shown = str(job(wanted, ContainerSettings()))
        assert "s3cret" not in shown
        assert "st-din" not in shown
        content = {name: base64.b64decode(value).decode() for name, value in secret(wanted, "uid")["data"].items()}
        assert content == {"TOKEN": "s3cret", "FLOWRT_IDEMPOTENCY_KEY": wanted.key, "flowrt.stdin": "st-din"}

    def test_the_pod(self):
        settings = ContainerSettings(
            memory_bytes=64 << 20,
            cpus=0.5,
            kubernetes=KubernetesSettings(service_account="runner", pull_secrets=("registry",)),
        )
        wanted = container(
            command="echo $1",
            arguments=["a"],
            pullPolicy="always",
            ports={"8080": "80/udp"},
            volumes={"/srv": "/data:ro", "cache": "/cache"},
            lifetime={"cleanup": "eventually", "after": 60},
        )
        spec = job(wanted, settings)["spec"]
        assert (spec["backoffLimit"], spec["ttlSecondsAfterFinished"]) == (0, 60)
        pod = spec["template"]["spec"]
        assert (pod["restartPolicy"], pod["serviceAccountName"]) == ("Never", "runner")
        assert pod["imagePullSecrets"] == [{"name": "registry"}]
        assert pod["volumes"] == [
            {"name": "volume-0", "hostPath": {"path": "/srv"}},
            {"name": "volume-1", "persistentVolumeClaim": {"claimName": "cache"}},
        ]
        [main] = pod["containers"]
        assert main["command"] == ["/bin/sh", "-c", "echo $1", "sh"]
        assert (main["args"], main["imagePullPolicy"]) == (["a"], "Always")
        assert main["ports"] == [{"containerPort": 80, "protocol": "UDP", "hostPort": 8080}]
        assert main["resources"] == {"limits": {"memory": "67108864", "cpu": "0.5"}}
        assert main["volumeMounts"] == [
            {"name": "volume-0", "mountPath": "/data", "readOnly": True},
            {"name": "volume-1", "mountPath": "/cache", "readOnly": False},
        ]
