"""Assembly: from a `Config` to a host. The only module that knows concrete adapters, stores and languages."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flowrt import plugins, secrets
from flowrt.compiler import Languages
from flowrt.config.load import ConfigProblem
from flowrt.config.model import Config, Storage
from flowrt.core.definition import WorkflowDefinition
from flowrt.core.environment import Environment
from flowrt.core.expression import Expression, InvalidExpression
from flowrt.expressions import LANGUAGES
from flowrt.outside import Outside
from flowrt.runtime.definitions import Definitions
from flowrt.runtime.host import Host
from flowrt.runtime.index import SubscriptionIndex
from flowrt.runtime.perform import Functions, Perform
from flowrt.runtime.service import Retention, Service
from flowrt.runtime.worker import Worker
from flowrt.stores import STORES
from flowrt.stores.protocol import Store
from flowrt.version import VERSION

Json = Any


class ExpressionLanguages(Mapping[str, Callable[[str], Expression]]):
    """The table of expression languages, those of plug-ins too, each imported when first asked for."""

    def __getitem__(self, name: str) -> Callable[[str], Expression]:
        return _language(name)

    def __iter__(self) -> Iterator[str]:
        return iter({**LANGUAGES, **plugins.found(plugins.EXPRESSIONS)})

    def __len__(self) -> int:
        return len(list(iter(self)))


@functools.cache
def _language(name: str) -> Callable[[str], Expression]:
    if name in LANGUAGES:
        compile_one: Callable[[str], Expression] = importlib.import_module(LANGUAGES[name]).compile
        return compile_one
    try:
        return plugins.language(name)
    except ConfigProblem as problem:
        return functools.partial(_refuse, str(problem))


def _refuse(reason: str, source: str) -> Expression:
    raise InvalidExpression(f"{source}: {reason}")


EXPRESSIONS = ExpressionLanguages()


class Assembly:
    """Everything of one process, made from its configuration."""

    def __init__(self, config: Config, trusted: bool = False, environment: Mapping[str, str] | None = None) -> None:
        """`trusted`: workflows may run shell commands, scripts and containers, and read files (`flowrt run`)."""
        self.config = config
        self.functions = Functions()
        self._trusted = trusted
        for name, function in plugins.callables(plugins.FUNCTIONS):
            self.functions.register(name, function)
        self.outside = Outside(config, trusted)
        self.perform = Perform({**self.outside.factories(), "function": lambda: self.functions})
        self.store: Store = make_store(config)
        self.definitions = Definitions(self.store, self._languages, self.outside.fetch, config.catalog.uri)
        values = os.environ if environment is None else environment
        self.environment = Environment(
            {"name": "flowrt", "version": VERSION, "metadata": dict(config.metadata)},
            secrets.first_of(*secret_sources(config, values)),
            config.schedule.catch_up,
            config.schedule.timezone,
        )
        importlib.import_module(LANGUAGES["jq"]).set_deadline(config.expressions.deadline)
        index = SubscriptionIndex(EXPRESSIONS["jq"])
        excluded = Exclusion(config.persistence.exclude_workflows)
        self.worker = Worker(self.store, self.definitions, self.perform, self.environment, index, excluded)
        keep = config.persistence.retention
        times = {"completed": keep.completed, "faulted": keep.faulted, "cancelled": keep.cancelled}
        self.service = Service(
            self.store,
            self.worker,
            self.definitions,
            self.perform,
            config.application.id,
            config.events.dedupe,
            Retention(times),
        )
        self.service.publishing.offer_lifecycle = config.events.offer_lifecycle
        self.worker.offering.lookback_s = config.events.lookback
        for _, listener in plugins.callables(plugins.LISTENERS):
            self.service.on_event(listener)
        self.host = Host(self.service, config.persistence.auto_restore)

    async def close(self) -> None:
        """For a process that only compiles: ends what that began. Its host closes one that runs workflows."""
        await self.perform.close()
        await self.outside.close()

    def _languages(self, resources: dict[str, bytes]) -> Languages:
        return Languages(EXPRESSIONS, self.functions.__contains__, resources, self.config.catalog.uri)


class Exclusion:
    """`exclude-workflows`: `ns:name:version`, `ns:name` or `ns:*`."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = frozenset(patterns)

    def __call__(self, definition: WorkflowDefinition) -> bool:
        namespace, name = definition.namespace, definition.name
        names = (definition.id, f"{namespace}:{name}", f"{namespace}:*", f"{namespace}:{name}:*")
        return any(each in self._patterns for each in names)


def secret_sources(config: Config, environment: Mapping[str, str]) -> Iterator[secrets.Source]:
    """The sources of secrets in their order."""
    settings = config.secrets
    yield secrets.from_values(settings.values)
    yield secrets.from_environment(environment, settings.env_prefix)
    if settings.directory is not None:
        yield secrets.from_directory(Path(settings.directory))
    if settings.env_file is not None:
        yield secrets.from_env_file(Path(settings.env_file))
    if settings.vault is not None:
        from flowrt.secrets.vault import from_vault

        yield from_vault(settings.vault)
    for _, source in plugins.callables(plugins.SECRETS):
        yield source


def make_store(config: Config) -> Store:
    """The store of a configuration. Raises `StoreRefused` for a URL that names none."""
    storage, application = config.storage, config.application.id
    scheme, settings = store_settings(storage)
    module, _, name = STORES[scheme].partition(":")
    make = getattr(importlib.import_module(module), name)
    store: Store = make(scheme, settings, storage, application)
    if storage.cache is None:
        return store
    from flowrt.stores.cache import CachedStore, CacheSettings

    return CachedStore(store, CacheSettings.of(storage.cache))


def store_settings(storage: Storage) -> tuple[str, Any]:
    """The backend's kind and its settings: a section of the configuration, or a URL."""
    from flowrt.stores.protocol import StoreRefused

    if storage.url is not None:
        scheme = urlsplit(storage.url).scheme.partition("+")[0]
        kind = {"postgres": "postgresql", "mariadb": "mysql", "rediss": "redis", "valkey": "redis"}.get(scheme, scheme)
        if kind not in STORES:
            raise StoreRefused(f"'{scheme}:' names no store; known are {', '.join(f'{name}:' for name in STORES)}")
        return kind, storage.url
    sections = {
        "redis": storage.redis,
        "postgresql": storage.postgres,
        "mysql": storage.mysql,
        "oracle": storage.oracle,
        "mssql": storage.mssql,
        "sqlite": storage.sqlite,
        "memory": storage.in_memory,
    }
    for kind, section in sections.items():
        if section is not None:
            return kind, section
    return "file", (storage.file.path if storage.file is not None else "./.flowrt")
