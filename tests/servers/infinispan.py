"""Infinispan's endpoint for Redis clients, embedded in a small Java program that keeps its entries on disk.

It speaks RESP3 only, knows database 0 only, and lacks some of Redis: streams, UNLINK, BZPOPMIN, COPY, FUNCTION, WAIT.
It never answers CLIENT MAINT_NOTIFICATIONS: a client must not send it.
"""

from collections.abc import Sequence
from pathlib import Path

from . import maven
from .ports import answers, free_port
from .single import SingleProcessServer

_RESP = "org.infinispan:infinispan-server-resp:15.2.6.Final"
_STARTER = Path(__file__).parent / "java" / "RespEndpoint.java"


class Infinispan(SingleProcessServer):
    name = "infinispan"
    ready_within_s = 240

    def __init__(self) -> None:
        super().__init__()
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0?protocol=3"

    def fetch(self) -> None:
        maven.java()
        self._jars = maven.jars(self.name, [_RESP])
        self._starter = maven.compiled(_STARTER, self._jars)

    def prepare(self, folder: Path) -> None:
        self.port = free_port()
        self._data = folder / "data"

    def command(self) -> Sequence[str | Path]:
        classes = f"{self._jars}/*:{self._starter}"
        # Answers wait outside the heap; those with large values take more than the heap, the bound it has by itself.
        options = [*maven.small_machine(512), "-XX:MaxDirectMemorySize=4g"]
        return [maven.java(), *options, "-cp", classes, _STARTER.stem, str(self.port), self._data]

    def ready(self) -> bool:
        return answers(self.port)
