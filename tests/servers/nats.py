"""NATS with JetStream."""

from collections.abc import Sequence
from pathlib import Path

from .install import program
from .ports import answers, free_port
from .single import SingleProcessServer


class Nats(SingleProcessServer):
    name = "nats"

    def __init__(self) -> None:
        super().__init__()
        self.port = 0

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def fetch(self) -> None:
        program("nats-server", "nats-server")

    def prepare(self, folder: Path) -> None:
        self.port = free_port()
        self._data = folder / "jetstream"

    def command(self) -> Sequence[str | Path]:
        listen = ["--addr", "127.0.0.1", "--port", str(self.port)]
        return [program("nats-server", "nats-server"), *listen, "--jetstream", "--store_dir", self._data]

    def ready(self) -> bool:
        return answers(self.port)
