"""A server that serves the definitions of the tests, for whatever does not need one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api import definitions
from tests.api.site import Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(tmp_path_factory.mktemp("site"), "--store", "memory:", environment={"FLOWRT_SERVER_MAX_BODY": "16MiB"})
    for name, text in definitions.ALL.items():
        found.write(f"{name}.yaml", text)
    found.start()
    yield found
    assert found.stop() == 0


@pytest.fixture
def http(site: Site) -> Iterator[httpx.Client]:
    with site.client() as client:
        yield client


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    """A server of the test's own on a file store; not started yet."""
    found = Site(tmp_path, "--store", f"file://{tmp_path}/store")
    yield found
    found.stop()
