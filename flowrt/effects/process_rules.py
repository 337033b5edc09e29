"""Which programs workflows may name: the switch and the allow-list of `run.shell`.

Invariant: whatever starts a program that a definition names asks here first, shell commands and MCP servers alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from flowrt.core.effect import Json
from flowrt.effects.process import ProcessSettings

_LOADING = re.compile(r"PATH|IFS|ENV|BASH_.*|LD_.*|DYLD_.*")
"""Variables that decide which program a word means, or load code into it."""


def refusal_of_all(settings: ProcessSettings, what: str) -> str | None:
    """Why no program at all may be started as `what` (a plural), if so."""
    if settings.shell_enabled:
        return None
    return f"run.shell is off; set run.shell.enabled to true to allow {what}"


def refusal_of(settings: ProcessSettings, program: str, environment: Json) -> str | None:
    """Why this one may not be started with these variables, if it may not."""
    if settings.allowed_commands is None:
        return None
    if program not in settings.allowed_commands:
        return f"command {program!r} is not on the list run.shell.commands"
    names = environment if isinstance(environment, Mapping) else ()
    loading = next((name for name in names if _LOADING.fullmatch(name)), None)
    return None if loading is None else f"environment: {loading} is refused while run.shell.commands is set"
