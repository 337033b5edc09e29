"""Mosquitto, an MQTT broker, open to everybody, that keeps sessions and retained messages."""

import os
from collections.abc import Sequence
from pathlib import Path

from .install import program
from .ports import answers, free_port
from .single import SingleProcessServer


class Mosquitto(SingleProcessServer):
    name = "mosquitto"

    def __init__(self) -> None:
        super().__init__()
        self.port = 0

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def fetch(self) -> None:
        program("mosquitto", "mosquitto")

    def prepare(self, folder: Path) -> None:
        self.port = free_port()
        self._configuration = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "persistence true", "autosave_interval 1"]
        lines.append(f"persistence_location {folder}/")
        if os.geteuid() == 0:
            lines.append("user root")
        self._configuration.write_text("\n".join(lines) + "\n")

    def command(self) -> Sequence[str | Path]:
        return [program("mosquitto", "mosquitto"), "-c", self._configuration]

    def ready(self) -> bool:
        return answers(self.port)
