"""Where the specification's own examples and conformance kit are, if they are."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SPECIFICATION = Path(os.environ.get("FLOWRT_SPECIFICATION", REPOSITORY.parent / "shared" / "spec"))
MISSING = f"the specification is not at {SPECIFICATION}; FLOWRT_SPECIFICATION says where else"
