"""`run.container` on an engine with Docker's API: a real Podman."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.container.run import ContainerRun
from flowrt.effects.container.settings import ContainerSettings
from tests.servers.podman import Podman


async def fault_of(adapter, effect) -> Fault:
    with pytest.raises(Faulted) as caught:
        await adapter.run(effect)
    return caught.value.fault


async def test_the_specifications_example(output):
    command = 'input=$(cat)\necho "STDIN was: $input"\necho "ARGS are $1 $2"\n'
    given = await output(command, stdin="Hello World", arguments=["Foo", "Bar"])
    assert given == "STDIN was: Hello World\nARGS are Foo Bar"


async def test_a_list_is_run_as_it_is(output):
    assert await output(["echo", "$HOME"], arguments=["a;b", {"k": 1}]) == '$HOME a;b {"k":1}'
    assert await output(["cat"], stdin={"a": "ä"}) == '{"a":"ä"}'


async def test_much_stdin_and_none(output):
    assert await output("wc -c", stdin="x" * 3_000_000) == "3000000"
    assert await output("cat") == ""


async def test_what_each_return_outputs(output, adapter, effect):
    command = "echo out; echo err >&2; exit 3"
    assert await output(command, returns="code") == 3
    assert await output(command, returns="stderr") == "err"
    assert await output(command, returns="all") == {"code": 3, "stdout": "out", "stderr": "err"}
    assert await output("echo out", returns="none") is None
    assert await fault_of(adapter, effect(command=command)) == Fault.of("runtime", "err")
    silent = effect(command="exit 7", attempt=1)
    assert await fault_of(adapter, silent) == Fault.of("runtime", "the container exited with code 7")


async def test_the_environment(output):
    lines = (await output("env", environment={"DATA": {"a": 1}, "LEFT_OUT": None})).split("\n")
    assert 'DATA={"a":1}' in lines
    assert not any(line.startswith("LEFT_OUT") for line in lines)
    assert any(line.startswith("FLOWRT_IDEMPOTENCY_KEY=") and line.endswith("/do/0/print it/0/0") for line in lines)


async def test_volumes_are_mounted(output, tmp_path):
    (tmp_path / "in").write_text("from the host")
    volumes = {str(tmp_path): "/data"}
    assert await output("cat /data/in; echo back >/data/out", volumes=volumes) == "from the host"
    assert (tmp_path / "out").read_text() == "back\n"
    assert await output("touch /data/x", volumes={str(tmp_path): "/data:ro"}, returns="code") == 1


async def test_limits_reach_the_engine(settings, effect, look):
    limited = dataclasses.replace(settings, memory_bytes=100 << 20, cpus=0.5, pids=50)
    adapter = ContainerRun(limited)
    wanted = effect(command="true")
    await adapter.run(wanted)
    await adapter.close()
    [found] = await look.containers(wanted.idempotency_key)
    host = found["HostConfig"]
    assert (host["Memory"], host["PidsLimit"], host["NanoCpus"]) == (100 << 20, 50, 500_000_000)


@pytest.fixture
async def images(look):
    """Images made from the test image by `CMD` and `ENTRYPOINT`."""
    made = await look.client.post("/containers/create", json={"Image": Podman.image, "Cmd": ["true"]})
    container = made.json()["Id"]

    async def image(name: str, *changes: str) -> str:
        params = {"container": container, "repo": f"localhost/{name}", "tag": "1", "changes": list(changes)}
        answer = await look.client.post("/commit", params=params, json={})
        assert answer.status_code == 201, answer.text
        return f"localhost/{name}:1"

    yield image
    await look.client.delete(f"/containers/{container}")


async def test_arguments_go_to_the_images_own_command(output, images):
    plain = await images("plain", 'CMD ["echo","default"]')
    assert await output(image=plain) == "default"
    assert await output(image=plain, arguments=["more"]) == "default more"
    entry = await images("entry", 'ENTRYPOINT ["echo","entry"]', 'CMD ["default"]')
    assert await output(image=entry) == "entry default"
    assert await output(image=entry, arguments=["mine"]) == "entry mine"
    assert await output("echo instead", image=entry) == "instead"
    reader = await images("reader", 'CMD ["cat"]')
    assert await output(image=reader, stdin="read me") == "read me"


class TestFaults:
    async def test_an_image_that_is_not_there(self, adapter, effect):
        got = await fault_of(adapter, effect("localhost/no-such-image:1", pullPolicy="never"))
        assert (got.type, got.status) == (PREFIX + "configuration", 404)
        assert got.detail is not None
        assert "localhost/no-such-image:1" in got.detail

    @pytest.mark.parametrize("policy", ["ifNotPresent", "always"])
    async def test_a_registry_that_does_not_answer(self, adapter, effect, policy):
        got = await fault_of(adapter, effect("127.0.0.1:1/no-such-image", pullPolicy=policy))
        assert got.type == PREFIX + "communication"
        assert got.detail is not None
        assert "pull image 127.0.0.1:1/no-such-image" in got.detail

    async def test_a_command_that_is_not_there(self, adapter, effect, look):
        wanted = effect(command=["/no/such"])
        got = await fault_of(adapter, wanted)
        assert got.type == PREFIX + "runtime"
        assert got.detail is not None
        assert "/no/such" in got.detail
        assert await look.containers(wanted.idempotency_key) == []

    async def test_an_engine_that_is_not_there(self, effect, tmp_path):
        socket = f"unix://{tmp_path}/docker.sock"
        adapter = ContainerRun(ContainerSettings(enabled=True, host=socket))
        got = await fault_of(adapter, effect(command="true"))
        await adapter.close()
        assert (got.type, got.status) == (PREFIX + "communication", 503)
        assert got.detail is not None
        assert socket in got.detail
        assert "run.container.socket" in got.detail

    async def test_too_much_output(self, settings, effect, look):
        adapter = ContainerRun(dataclasses.replace(settings, output_bytes=100_000))
        command = "i=0; while [ $i -lt {} ]; do echo 0123456789abcdef0123456789abcdef; i=$((i+1)); done"
        lifetime = {"cleanup": "always"}
        enough = await adapter.run(effect(command=command.format(3000), lifetime=lifetime))
        assert len(enough.output) == 3000 * 33 - 1
        wanted = effect(command=command.format(3100), attempt=1, lifetime=lifetime)
        got = await fault_of(adapter, wanted)
        await adapter.close()
        assert got.detail is not None
        assert "more than 100000 bytes" in got.detail
        assert await look.containers(wanted.idempotency_key) == []

    async def test_one_that_somebody_else_removed(self, adapter, effect, look):
        wanted = effect(command="sleep 60")
        task = asyncio.create_task(adapter.run(wanted))
        found = await look.running(wanted.idempotency_key)
        await look.client.delete(f"/containers/{found['Id']}", params={"force": "1"})
        with pytest.raises(Faulted, match="removed by somebody else"):
            await task


async def test_off_unless_switched_on(effect):
    problem = "run.container is off; set run.container.enabled to true to allow containers"
    adapter = ContainerRun(ContainerSettings())
    assert await adapter.check({"image": "x"}, None) == [problem]
    assert await fault_of(adapter, effect()) == Fault.of("configuration", problem)
    await adapter.close()


async def test_volumes_need_leave(settings, effect):
    adapter = ContainerRun(dataclasses.replace(settings, allowed_volumes=("/srv/data", "cache")))
    for source in ("/", "/etc", "/srv/data/../../etc", "/srv/database", "other"):
        wanted = {"image": "x", "volumes": {source: "/x"}}
        assert await adapter.check(wanted, None) == [f"volumes: {source!r} is not on the list run.container.volumes"]
        got = await fault_of(adapter, effect(volumes={source: "/x"}))
        assert got.type == PREFIX + "configuration"
    got = await fault_of(adapter, effect(volumes={"/${x}/../etc": "/x"}))
    assert got.type == PREFIX + "configuration"
    for source in ("/srv/data", "/srv/data/in", "cache", "${ .folder }"):
        assert await adapter.check({"image": "x", "volumes": {source: "/x"}}, None) == []
    await adapter.close()
