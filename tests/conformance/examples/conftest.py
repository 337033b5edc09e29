"""`stage`: where an example runs; without the specification beside the checkout its tests are skipped."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.conformance.examples.stage import EXAMPLES, Stage, staged
from tests.conformance.spec import MISSING


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    if not EXAMPLES.is_dir():
        pytest.skip(MISSING)
    async with staged() as stage:
        yield stage
