"""What production asks for beyond running: nothing acknowledged is lost, nobody is let in by oversight."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from flowrt.assemble import store_settings
from flowrt.config.model import Config
from flowrt.doctor.findings import Finding, error, ok, warning
from flowrt.stores.protocol import StoreRefused

YEAR_S = 365 * 86400.0


def production(config: Config) -> Iterator[Finding]:
    """The list, item by item."""
    yield from _store(config)
    yield _address(config)
    yield from _retention(config)
    yield from _permissions(config)
    if config.application.id == "default":
        yield warning("production", "application.id is 'default': another application on this store would share it")
    if config.server.log_level == "debug":
        yield warning("production", "server.log-level is debug")
    if config.secrets.values:
        yield warning("production", "secrets stand in the configuration: mount them, or take them from Vault")


def _store(config: Config) -> Iterator[Finding]:
    try:
        kind, _ = store_settings(config.storage)
    except StoreRefused:  # said before
        return
    if kind == "memory":
        yield error("production", "the store is in memory: every instance is lost when the server stops")
        return
    yield ok("production", f"the store is {kind}: instances outlive the server")
    if not config.persistence.auto_restore:
        yield error("production", "persistence.auto-restore is off: instances stay where they were after a restart")
    if kind not in ("file", "sqlite") and not config.storage.require_durable:
        message = "storage.require-durable is off: a server that may lose what it acknowledged is only warned of"
        yield warning("production", message)
    for name in config.persistence.exclude_workflows:
        yield warning("production", f"'{name}' is kept in memory only (persistence.exclude-workflows)")


def _address(config: Config) -> Finding:
    host = config.server.host
    if _is_local(host):
        return ok("production", f"the server listens on {host} only")
    if config.server.token is not None:
        return ok("production", f"the server listens on {host} and asks for a token")
    message = f"the server listens on {host} and asks nobody who they are: set server.token"
    return warning("production", message)


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _retention(config: Config) -> Iterator[Finding]:
    times = config.persistence.retention
    for status in ("completed", "faulted", "cancelled"):
        time_s: float = getattr(times, status)
        if time_s > YEAR_S:
            yield warning("production", f"retention.{status} is {time_s / 86400:.0f} days: the store grows with it")
    if times.faulted == 0:
        yield error("production", "retention.faulted is 0: a faulted instance is gone before anybody has seen it")
    else:
        yield ok("production", f"faulted instances are kept for {times.faulted / 86400:g} days")


def _permissions(config: Config) -> Iterator[Finding]:
    run = config.run
    if run.shell.enabled and run.shell.commands is None:
        yield warning("production", "run.shell allows every command: list those that are needed in run.shell.commands")
    if run.script.enabled:
        yield warning("production", "run.script is enabled: whoever deploys definitions runs code here")
    if run.container.enabled and run.container.volumes:
        folders = ", ".join(run.container.volumes)
        yield warning("production", f"containers may mount {folders}")
    if config.http.allow_files:
        yield warning("production", "http.allow-files is on: definitions may read files of this machine")
