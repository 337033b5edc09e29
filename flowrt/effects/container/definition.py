"""Container: what a task's arguments say, as one value that every engine understands.

The name holds a UUID made from the effect's idempotency key, so the same effect, repeated after a crash, finds the
container it had. Source: dsl-reference.md, "Container Process" and "Container Lifetime".
"""

from __future__ import annotations

import posixpath
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flowrt.core.effect import Effect, Json
from flowrt.effects.process_result import argv_of, map_of, text_of

_NAMESPACE = uuid.UUID("6f1d7d5e-3a52-5c0a-9a3f-6c1c2b6f0f7e")
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Container:
    name: str
    key: str
    """The effect's idempotency key, in the label `flowrt.key`."""
    uuid: str
    image: str
    command: tuple[str, ...] | None = field(repr=False)
    """Takes the place of the image's entrypoint."""
    arguments: tuple[str, ...] = field(repr=False)
    stdin: bytes | None = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    ports: Mapping[str, str]
    """Port of the host (`8080`, `127.0.0.1:8080`) -> port of the container (`80`, `53/udp`)."""
    volumes: Mapping[str, str]
    """Folder of the host or name of a volume -> folder in the container (`/data`, `/data:ro`)."""
    cleanup: str
    after_s: float
    pull_policy: str

    @property
    def labels(self) -> dict[str, str]:
        labels = {"flowrt.key": self.key, "flowrt.cleanup": self.cleanup}
        return labels | {"flowrt.after": f"{self.after_s:g}"} if self.cleanup == "eventually" else labels


def container_of(effect: Effect) -> Container:
    """The container that the effect's arguments describe."""
    wanted = effect.arguments
    key = effect.idempotency_key
    identity = str(uuid.uuid5(_NAMESPACE, key))
    namespace, workflow, _ = effect.workflow
    given = map_of(wanted.get("environment"), "environment")
    environment = {name: text_of(value) for name, value in given.items() if value is not None}
    lifetime = wanted.get("lifetime") or {}
    stdin = wanted.get("stdin")
    return Container(
        name=wanted.get("name") or _UNFIT.sub("-", f"{workflow}-{identity}.{namespace}-{effect.task}"),
        key=key,
        uuid=identity,
        image=wanted["image"],
        command=_command(wanted.get("command")),
        arguments=tuple(argv_of(wanted.get("arguments"))),
        stdin=None if stdin is None else text_of(stdin).encode("utf-8", "surrogatepass"),
        environment=environment | {"FLOWRT_IDEMPOTENCY_KEY": key},
        ports=_texts(wanted, "ports"),
        volumes=_texts(wanted, "volumes"),
        cleanup=lifetime.get("cleanup", "never"),
        after_s=float(lifetime.get("after") or 0),
        pull_policy=wanted.get("pullPolicy", "ifNotPresent"),
    )


def reading(command: tuple[str, ...], path: str) -> tuple[str, ...]:
    """The command with the file as its standard input.

    A file is there, whole, before the container starts: neither a crash while it is written nor a command that does
    not read can do harm, and it works on every engine. It needs a shell in the image.
    """
    return ("/bin/sh", "-c", f'exec "$@" <{path}', "sh", *command)


def refused_volume(sources: Iterable[str], allowed: tuple[str, ...] | None) -> str | None:
    """What is wrong with the first source of a volume that may not be mounted."""
    for source in sources if allowed is not None else ():
        path = posixpath.normpath(source)
        if not any(path == root or path.startswith(root.rstrip("/") + "/") for root in allowed or ()):
            return f"volumes: {source!r} is not on the list run.container.volumes"
    return None


def _command(command: Json) -> tuple[str, ...] | None:
    """A list as it is; a text is for the image's shell, which gets the arguments as `$1`, `$2`, …"""
    if not command:
        return None
    return ("/bin/sh", "-c", command, "sh") if isinstance(command, str) else tuple(text_of(word) for word in command)


def _texts(wanted: Mapping[str, Json], name: str) -> dict[str, str]:
    return {str(key): text_of(value) for key, value in map_of(wanted.get(name), name).items()}
