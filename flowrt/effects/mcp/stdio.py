"""An MCP server as a process: started for one call, spoken to over its standard streams, ended with the call.

Invariants: the process is gone when `open` is left (the package closes its stdin and, if that is not enough within two
seconds, ends its whole process group); it sees a minimal environment and what it was given, nothing else of ours.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from flowrt.core.fault import Fault
from flowrt.effects.mcp.arguments import Stdio

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

_SAID_AT_MOST = 2048


class Process:
    """One server process."""

    authorization = None

    def __init__(self, wanted: Stdio, key: str) -> None:
        self._wanted = wanted
        self._key = key
        self._said = ""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TransportStreams]:
        from mcp import StdioServerParameters, stdio_client

        parameters = StdioServerParameters(
            command=self._wanted.command,
            args=list(self._wanted.arguments),
            env={**self._wanted.environment, "FLOWRT_IDEMPOTENCY_KEY": self._key},
        )
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr:
            try:
                async with stdio_client(parameters, errlog=stderr) as streams:
                    yield streams
            finally:
                end = stderr.seek(0, os.SEEK_END)
                stderr.seek(max(0, end - _SAID_AT_MOST))
                self._said = stderr.read().strip()

    def explained(self, fault: Fault) -> Fault:
        """The fault with what the process wrote to its stderr at last, where the cause mostly is."""
        return replace(fault, detail=f"{fault.detail}; its stderr: {self._said}") if self._said else fault
