"""The installation: Python, plug-ins, the clock, the address to listen on."""

from __future__ import annotations

import ctypes
import platform
import socket
import sys
import time
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flowrt import plugins
from flowrt.config.model import Config
from flowrt.config.problem import ConfigProblem
from flowrt.doctor.findings import Finding, error, ok, warning
from flowrt.version import VERSION

OLDEST_PYTHON = (3, 11)
NOT_BEFORE = 1_767_225_600.0
"""2026-01-01: a clock that says less was never set."""
_TIMEX_BYTES = 512
_UNSYNCHRONISED = 5


def python() -> Finding:
    """The interpreter."""
    found = f"{platform.python_implementation()} {platform.python_version()}, flowrt {VERSION}"
    if sys.version_info < OLDEST_PYTHON:
        return error("python", f"{found}: flowrt needs Python {'.'.join(map(str, OLDEST_PYTHON))} or newer")
    return ok("python", found)


def plugged() -> Iterator[Finding]:
    """Every plug-in can be loaded."""
    for group in plugins.GROUPS:
        for name, point in plugins.found(group).items():
            try:
                plugins.load(point)
            except ConfigProblem as problem:
                yield error("plug-ins", str(problem))
            else:
                yield ok("plug-ins", f"{name} ({group}: {point.value})")


def clock(config: Config) -> Finding:
    """Deadlines and schedules follow the system's clock."""
    zone = config.schedule.timezone
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return error("clock", f"there is no time zone '{zone}' here: correct schedule.timezone, or install tzdata")
    if time.time() < NOT_BEFORE:
        return error("clock", "it has never been set: deadlines and schedules would be wrong")
    if _synchronised() is False:
        return warning("clock", "nobody keeps it in time: run a time service such as chrony or systemd-timesyncd")
    return ok("clock", f"{time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())}, schedules in {zone}")


def address(config: Config) -> Finding:
    """The address to listen on is there and free."""
    host, port = config.server.host, config.server.port
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(target)
    except OSError as failure:
        return warning("address", f"{host}:{port} cannot be listened on: {failure.strerror} (does a server run there?)")
    return ok("address", f"{host}:{port} is free")


def _synchronised() -> bool | None:
    """Whether the kernel says that somebody keeps its clock in time; None where it does not say."""
    try:
        adjust = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    # All zeros asks and sets nothing.
    state: int = adjust(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if state < 0 else state != _UNSYNCHRONISED
