"""The interpreter that has the SDK, one for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.legacy.conversion import interpreter
from tests.servers import install
from tests.servers.fixtures import refuse


@pytest.fixture(scope="session")
def legacy_python() -> Path:
    try:
        return interpreter()
    except install.Missing as missing:
        refuse(str(missing))
