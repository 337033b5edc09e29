"""The life of a container on a real engine: its end, crashes of ours, cancelled effects, what is kept and what goes."""

from __future__ import annotations

import asyncio
import time

import pytest

from flowrt.core.fault import PREFIX, Faulted
from flowrt.effects.container.docker_api import DockerApi
from flowrt.effects.container.docker_sweep import DockerSweep
from flowrt.effects.container.run import ContainerRun
from flowrt.effects.container.settings import ContainerSettings
from tests.servers.podman import Podman


class TestLifetime:
    async def test_never_is_the_default_and_the_name_follows_the_convention(self, adapter, effect, look):
        wanted = effect(command="echo hi")
        assert (await adapter.run(wanted)).output == "hi"
        [found] = await look.containers(wanted.idempotency_key)
        before, _, after = found["Name"].lstrip("/").partition(".")
        assert before.startswith("orders-")
        assert len(before.removeprefix("orders-")) == 36
        assert after == "shop-print-it"
        assert found["State"]["Status"] == "exited"

    async def test_always(self, adapter, effect, look):
        for attempt, command in enumerate(["echo hi", "exit 1"]):
            wanted = effect(command=command, attempt=attempt, returns="code", lifetime={"cleanup": "always"})
            await adapter.run(wanted)
            assert await look.containers(wanted.idempotency_key) == []

    async def test_eventually(self, adapter, effect, look):
        wanted = effect(command="true", lifetime={"cleanup": "eventually", "after": 1})
        await adapter.run(wanted)
        assert len(await look.containers(wanted.idempotency_key)) == 1
        began = time.monotonic()
        await look.gone(wanted.idempotency_key)
        assert time.monotonic() - began < 5

    async def test_eventually_survives_a_restart(self, adapter, settings, effect, look):
        lifetime = {"cleanup": "eventually", "after": 0.5}
        wanted = effect(command="true", lifetime=lifetime)
        await adapter.run(wanted)
        await adapter.close()
        assert len(await look.containers(wanted.idempotency_key)) == 1
        next_process = ContainerRun(settings)
        assert await next_process.check({"image": "x", "lifetime": lifetime}, None) == []
        await look.gone(wanted.idempotency_key)
        await next_process.close()

    async def test_eventually_leaves_what_runs(self, adapter, effect, look):
        lifetime = {"cleanup": "eventually", "after": 0}
        slow = effect(command="sleep 1; echo done", attempt=1, lifetime=lifetime)
        running = asyncio.create_task(adapter.run(slow))
        await look.running(slow.idempotency_key)
        await adapter.run(effect(command="true", lifetime=lifetime))
        assert (await running).output == "done"
        await look.gone(slow.idempotency_key)

    async def test_one_whose_output_is_still_read_is_spared(self, adapter, settings, effect, look):
        lifetime = {"cleanup": "eventually", "after": 1}
        spared, other = (effect(command="true", attempt=attempt, lifetime=lifetime) for attempt in range(2))
        await adapter.run(spared)
        [found] = await look.containers(spared.idempotency_key)
        await adapter.close()
        api = DockerApi(settings)
        sweep = DockerSweep(api)
        with sweep.sparing(found["Name"].lstrip("/")):
            next_process = ContainerRun(settings)
            await next_process.run(other)
            await next_process.close()
            sweep.soon()
            await look.gone(other.idempotency_key)
            assert len(await look.containers(spared.idempotency_key)) == 1
        sweep.soon()
        await look.gone(spared.idempotency_key)
        await sweep.close()
        await api.close()

    async def test_a_name_of_its_own(self, adapter, effect, look):
        wanted = effect(command="true", name="hello-orders")
        await adapter.run(wanted)
        [found] = await look.containers(wanted.idempotency_key)
        assert found["Name"].lstrip("/") == "hello-orders"
        with pytest.raises(Faulted) as caught:
            await adapter.run(effect(command="true", name="hello-orders", attempt=1))
        again = caught.value.fault
        assert (again.type, again.status) == (PREFIX + "configuration", 409)
        assert (await look.container("hello-orders"))["Id"] == found["Id"]
        await look.client.delete("/containers/hello-orders")


class TestCrash:
    async def test_the_same_effect_attaches_to_its_running_container(self, settings, effect, look, tmp_path):
        wanted = effect(
            command="cat; echo ran >>/data/runs; while [ ! -e /data/go ]; do sleep 0.05; done; echo end; exit 4",
            stdin="in\n",
            volumes={str(tmp_path): "/data"},
            returns="all",
        )
        first = ContainerRun(settings)
        lost = asyncio.create_task(first.run(wanted))
        before = await look.running(wanted.idempotency_key)
        await first.close()
        assert lost.cancelled()

        second = ContainerRun(settings)
        attached = asyncio.create_task(second.run(wanted))
        (tmp_path / "go").touch()
        assert (await attached).output == {"code": 4, "stdout": "in\nend", "stderr": ""}
        assert (tmp_path / "runs").read_text() == "ran\n"
        [after] = await look.containers(wanted.idempotency_key)
        assert after["Id"] == before["Id"]
        await second.close()

    async def test_one_that_has_ended_meanwhile_is_not_run_again(self, adapter, effect, tmp_path):
        wanted = effect(command="echo ran >>/data/runs; echo once", volumes={str(tmp_path): "/data"})
        assert (await adapter.run(wanted)).output == "once"
        assert (await adapter.run(wanted)).output == "once"
        assert (tmp_path / "runs").read_text() == "ran\n"

    async def test_one_that_was_created_and_never_started_is_started(self, adapter, effect, look):
        wanted = effect(command=["cat"], stdin="complete")
        await adapter.run(wanted)
        [ended] = await look.containers(wanted.idempotency_key)
        name = ended["Name"].lstrip("/")
        await look.client.delete(f"/containers/{name}")
        config = {"Image": Podman.image, "Labels": {"flowrt.key": wanted.idempotency_key}}
        config |= {"Entrypoint": ended["Config"]["Entrypoint"], "HostConfig": {"NetworkMode": "host"}}
        config |= {"Cmd": ended["Config"]["Cmd"]}
        created = await look.client.post("/containers/create", params={"name": name}, json=config)
        assert created.status_code == 201
        assert (await adapter.run(wanted)).output == "complete"
        assert (await look.container(name))["Id"] == created.json()["Id"]

    async def test_an_engine_that_restarts_is_waited_for(self, start_server, effect, tmp_path):
        engine = start_server(Podman())
        settings = ContainerSettings(
            enabled=True, runtime="podman", host=engine.url, network="host", allowed_volumes=None
        )
        adapter = ContainerRun(settings)
        command = "touch /data/up; while [ ! -e /data/go ]; do sleep 0.05; done; echo done"
        running = asyncio.create_task(adapter.run(effect(command=command, volumes={str(tmp_path): "/data"})))
        async with asyncio.timeout(20):
            while not (tmp_path / "up").exists():
                await asyncio.sleep(0.02)
        await asyncio.to_thread(engine.kill)
        await asyncio.to_thread(engine.restart)
        (tmp_path / "go").touch()
        assert (await running).output == "done"
        await adapter.close()


class TestCancel:
    @pytest.mark.parametrize("cleanup", ["never", "always"])
    async def test_a_cancelled_effects_container_is_killed_and_removed(self, adapter, effect, look, cleanup):
        wanted = effect(command="trap '' TERM; sleep 60", lifetime={"cleanup": cleanup})
        task = asyncio.create_task(adapter.run(wanted))
        await look.running(wanted.idempotency_key)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await look.containers(wanted.idempotency_key) == []

    async def test_wherever_it_is_cancelled_nothing_stays(self, adapter, effect, look):
        delays = [step * 0.002 for step in range(12)] + [step * 0.04 for step in range(1, 7)]
        wanted = [effect(command="sleep 60", stdin="x", attempt=attempt) for attempt in range(len(delays))]
        for one, delay in zip(wanted, delays, strict=True):
            task = asyncio.create_task(adapter.run(one))
            await asyncio.sleep(delay)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        # Whatever the engine was still asked for has been answered by now: it serves one container after the other.
        await adapter.run(effect(command="true", attempt=len(delays)))
        assert [await look.containers(one.idempotency_key) for one in wanted] == [[]] * len(wanted)

    async def test_another_containers_name_is_left_alone(self, adapter, effect, look):
        await look.client.post(
            "/containers/create", params={"name": "foreign"}, json={"Image": Podman.image, "Cmd": ["true"]}
        )
        task = asyncio.create_task(adapter.run(effect(command="true", name="foreign")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert "Id" in await look.container("foreign")
        await look.client.delete("/containers/foreign")
