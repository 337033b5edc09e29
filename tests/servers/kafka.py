"""Kafka as one node, broker and controller at once (KRaft); topics have four partitions unless said otherwise."""

import base64
import uuid
from collections.abc import Sequence
from pathlib import Path

from . import maven
from .ports import answers, free_ports
from .process import finish
from .single import SingleProcessServer

_COORDINATES = ("org.apache.kafka:kafka_2.13:3.9.1", "org.slf4j:slf4j-simple:1.7.36")


class Kafka(SingleProcessServer):
    name = "kafka"
    ready_within_s = 240

    def __init__(self) -> None:
        super().__init__()
        self.port = 0

    @property
    def url(self) -> str:
        return f"kafka://{self.bootstrap}"

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def fetch(self) -> None:
        maven.java()
        self._jars = maven.jars(self.name, _COORDINATES)

    def prepare(self, folder: Path) -> None:
        self.port, controller = free_ports(2)
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": folder / "data",
            "num.partitions": 4,
            # One node cannot hold the three copies that the topics of its own are made with.
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "group.initial.rebalance.delay.ms": 0,
            # A restarted broker waits until its killed predecessor counts as gone.
            "broker.session.timeout.ms": 2_000,
            "broker.heartbeat.interval.ms": 500,
        }
        self._configuration = folder / "server.properties"
        self._configuration.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        storage: list[str | Path] = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", self._configuration]
        finish([*self._java(), *storage], folder=folder)

    def command(self) -> Sequence[str | Path]:
        return [*self._java(), "kafka.Kafka", self._configuration]

    def ready(self) -> bool:
        return answers(self.port)

    def _java(self) -> list[str | Path]:
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        return [maven.java(), *maven.small_machine(384), quiet, "-cp", f"{self._jars}/*"]
