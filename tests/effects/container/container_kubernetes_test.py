"""`run.container` as Kubernetes Jobs: a real API server; the test does what controllers and a kubelet would."""

from __future__ import annotations

import asyncio
import dataclasses
import uuid

import pytest
import yaml

from flowrt.core.effect import Effect
from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.container.definition import container_of
from flowrt.effects.container.run import ContainerRun
from flowrt.effects.container.settings import ContainerSettings, KubernetesSettings
from tests.effects.container.kubelet import Kubelet
from tests.servers.certificates import self_made

pytestmark = pytest.mark.heavy


@pytest.fixture
async def kubelet(kubernetes_server, tmp_path):
    kubelet = Kubelet(kubernetes_server)
    await kubelet.start(self_made(tmp_path))
    yield kubelet
    await kubelet.stop()


@pytest.fixture
def settings(kubernetes_server, tmp_path):
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [
            {
                "name": "test",
                "cluster": {
                    "server": kubernetes_server.url,
                    "certificate-authority": str(kubernetes_server.authority),
                },
            }
        ],
        "users": [{"name": "test", "user": {"token": kubernetes_server.token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    kubernetes = KubernetesSettings(kubeconfig=file)
    return ContainerSettings(enabled=True, runtime="kubernetes", allowed_volumes=None, kubernetes=kubernetes)


@pytest.fixture
async def adapter(settings):
    adapter = ContainerRun(settings)
    yield adapter
    await adapter.close()


@pytest.fixture
def effect():
    def make(**arguments):
        if "returns" in arguments:
            arguments["return"] = arguments.pop("returns")
        arguments = {"image": "alpine", **arguments}
        workflow = ("shop", "orders", "1.0.0")
        return Effect("container", arguments, uuid.uuid4().hex, "/do/0/print", task="print", workflow=workflow)

    return make


async def fault_of(running) -> Fault:
    with pytest.raises(Faulted) as caught:
        await running
    return caught.value.fault


async def started(adapter, kubelet, effect):
    """The task that runs the effect, and its Job."""
    running = asyncio.create_task(adapter.run(effect))
    looking = asyncio.create_task(kubelet.job(container_of(effect).uuid))
    await asyncio.wait([running, looking], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        looking.cancel()
        await running
    return running, await looking


async def test_a_job_runs_and_its_log_is_the_output(adapter, kubelet, effect):
    wanted = effect(command="cat; echo $1", arguments=["a"], stdin={"a": 1}, environment={"TOKEN": "s3cret"})
    running, job = await started(adapter, kubelet, wanted)
    assert job["metadata"]["annotations"]["flowrt/key"] == wanted.idempotency_key
    secret = await kubelet.secret(job)
    assert set(secret["data"]) == {"TOKEN", "FLOWRT_IDEMPOTENCY_KEY", "flowrt.stdin"}
    assert secret["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
    await kubelet.end(job, 0, b'{"a": 1}\n')
    assert (await running).output == '{"a": 1}'
    assert await kubelet.exists(job)


async def test_what_each_return_outputs(adapter, kubelet, effect):
    outputs = {"code": 3, "stderr": "no such file", "all": {"code": 3, "stdout": "out", "stderr": "no such file"}}
    for returns, output in outputs.items():
        running, job = await started(adapter, kubelet, effect(command="x", returns=returns))
        await kubelet.end(job, 3, b"out\n", "no such file\n")
        assert (await running).output == output
    running, job = await started(adapter, kubelet, effect(command="x"))
    await kubelet.end(job, 3, b"out\n", "no such file\n")
    assert await fault_of(running) == Fault.of("runtime", "no such file")


async def test_the_same_effect_attaches_to_its_job(settings, kubelet, effect):
    wanted = effect(command="x", stdin="in")
    first = ContainerRun(settings)
    lost, before = await started(first, kubelet, wanted)
    await first.close()
    assert lost.cancelled()
    second = ContainerRun(settings)
    running, after = await started(second, kubelet, wanted)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    await kubelet.end(after, 0, b"once\n")
    assert (await running).output == "once"
    assert (await second.run(wanted)).output == "once"
    await second.close()


async def test_cancelling_deletes_the_job(adapter, kubelet, effect):
    running, job = await started(adapter, kubelet, effect(command="x"))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not await kubelet.exists(job)


async def test_cleanup_always_deletes_the_job(adapter, kubelet, effect):
    running, job = await started(adapter, kubelet, effect(command="x", lifetime={"cleanup": "always"}))
    await kubelet.end(job, 0, b"hi\n")
    assert (await running).output == "hi"
    assert not await kubelet.exists(job)


async def test_cleanup_eventually_is_left_to_the_cluster(adapter, kubelet, effect):
    lifetime = {"cleanup": "eventually", "after": 1800}
    running, job = await started(adapter, kubelet, effect(command="x", lifetime=lifetime))
    assert job["spec"]["ttlSecondsAfterFinished"] == 1800
    await kubelet.end(job, 0, b"hi\n")
    assert (await running).output == "hi"
    assert await kubelet.exists(job)


async def test_an_image_that_does_not_come(adapter, kubelet, effect):
    running, job = await started(adapter, kubelet, effect(command="x", pullPolicy="never"))
    pod = await kubelet.pod(job)
    await kubelet.waiting(pod, "ErrImageNeverPull", "image alpine is not present")
    got = await fault_of(running)
    assert (got.type, got.status) == (PREFIX + "configuration", 404)
    assert got.detail == "image 'alpine': ErrImageNeverPull: image alpine is not present"
    assert not await kubelet.exists(job)


async def test_a_job_that_fails_without_a_pod(adapter, kubelet, effect):
    running, job = await started(adapter, kubelet, effect(command="x"))
    await kubelet.finish(job, failed=True, reason="DeadlineExceeded")
    got = await fault_of(running)
    assert got.detail is not None
    assert "because of DeadlineExceeded" in got.detail


async def test_a_job_that_somebody_else_removed(adapter, kubelet, effect):
    running, job = await started(adapter, kubelet, effect(command="x"))
    await kubelet.delete(job)
    got = await fault_of(running)
    assert got.detail is not None
    assert "removed by somebody else" in got.detail


async def test_too_much_output(settings, kubelet, effect):
    adapter = ContainerRun(dataclasses.replace(settings, output_bytes=10))
    running, job = await started(adapter, kubelet, effect(command="x"))
    await kubelet.end(job, 0, b"x" * 11)
    got = await fault_of(running)
    await adapter.close()
    assert got.detail == "the container wrote more than 10 bytes"


async def test_what_the_cluster_refuses_leaves_nothing(adapter, kubelet, effect):
    wanted = effect(command="x", environment={"not a name": "1"})
    got = await fault_of(adapter.run(wanted))
    assert got.type == PREFIX + "communication"
    assert 400 <= got.status < 500
    jobs = await kubelet.client.get("/apis/batch/v1/namespaces/default/jobs")
    assert container_of(wanted).uuid not in jobs.text


async def test_stdin_needs_a_command(adapter, effect):
    got = await fault_of(adapter.run(effect(stdin="x")))
    assert got == Fault.of("configuration", "stdin needs a command on Kubernetes; add `command`")


async def test_a_cluster_that_is_not_there(settings, effect, tmp_path):
    text = settings.kubernetes.kubeconfig.read_text()
    config = yaml.safe_load(text)
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "nowhere").write_text(yaml.safe_dump(config))
    for file, problem in (("nowhere", "https://127.0.0.1:1"), ("missing", "run.container.kubeconfig")):
        wanted = dataclasses.replace(settings.kubernetes, kubeconfig=tmp_path / file)
        adapter = ContainerRun(dataclasses.replace(settings, kubernetes=wanted))
        got = await fault_of(adapter.run(effect(command="x")))
        await adapter.close()
        assert got.detail is not None
        assert problem in got.detail
