"""Pulling: a real Docker fetches images from a registry of the test's own."""

from __future__ import annotations

import dataclasses

import pytest

from flowrt.core.fault import PREFIX, Faulted
from flowrt.effects.container.run import ContainerRun
from flowrt.effects.container.settings import Login
from tests.effects.container.registry import Registry


@pytest.fixture
def engine(docker_server):
    return docker_server


@pytest.fixture
async def saved(look, engine):
    return (await look.client.get(f"/images/{engine.image}/get")).content


@pytest.fixture
async def registry(saved, look):
    with Registry(saved, "latest") as registry:
        yield registry
        await look.client.delete(f"/images/{registry.address}/team/tool:latest", params={"force": "1"})


@pytest.fixture
async def adapter(settings, registry):
    login = Login(registry.username, registry.password)
    adapter = ContainerRun(dataclasses.replace(settings, logins={registry.address: login}))
    yield adapter
    await adapter.close()


async def said(adapter, effect, image, policy, attempt):
    lifetime = {"cleanup": "always"}
    wanted = effect(image, command="echo pulled", pullPolicy=policy, attempt=attempt, lifetime=lifetime)
    return (await adapter.run(wanted)).output


async def test_an_image_that_is_not_present_is_pulled_once(adapter, registry, effect):
    image = f"{registry.address}/team/tool"
    assert await said(adapter, effect, image, "ifNotPresent", 0) == "pulled"
    before = registry.pulls
    assert before > 0
    assert await said(adapter, effect, image, "ifNotPresent", 1) == "pulled"
    assert await said(adapter, effect, f"{image}:latest", "never", 2) == "pulled"
    assert registry.pulls == before


async def test_always_asks_the_registry_each_time(adapter, registry, effect):
    image = f"{registry.address}/team/tool:latest"
    assert await said(adapter, effect, image, "always", 0) == "pulled"
    before = registry.pulls
    assert await said(adapter, effect, image, "always", 1) == "pulled"
    assert registry.pulls > before


async def test_a_tag_that_the_registry_does_not_have(adapter, registry, effect):
    with pytest.raises(Faulted) as caught:
        await said(adapter, effect, f"{registry.address}/team/tool:none", "ifNotPresent", 0)
    fault = caught.value.fault
    assert fault.type == PREFIX + "communication"
    assert fault.detail is not None
    assert f"pull image {registry.address}/team/tool:none" in fault.detail
    assert "manifest" in fault.detail


async def test_without_a_login(settings, registry, effect):
    stranger = ContainerRun(settings)
    with pytest.raises(Faulted) as caught:
        await said(stranger, effect, f"{registry.address}/team/tool", "ifNotPresent", 0)
    await stranger.close()
    assert caught.value.fault.type == PREFIX + "communication"
    assert registry.pulls == 0
