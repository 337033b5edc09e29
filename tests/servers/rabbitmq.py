"""RabbitMQ as one node, with an Erlang port mapper of its own beside whatever the machine runs."""

from collections.abc import Sequence
from pathlib import Path

from .install import program
from .ports import answers, free_ports
from .process import ServerProcess
from .single import SingleProcessServer


def _rabbitmq_program() -> Path:
    # The one on the path changes to the user `rabbitmq`; this one stays who it is.
    return program("rabbitmq-server", "rabbitmq-server", folders=["/usr/lib/rabbitmq/bin"])


class RabbitMQ(SingleProcessServer):
    name = "rabbitmq"

    def __init__(self) -> None:
        super().__init__()
        self.port = self._distribution_port = self._mapper_port = 0
        self._mapper: ServerProcess | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def fetch(self) -> None:
        _rabbitmq_program()
        program("epmd", "rabbitmq-server")

    def prepare(self, folder: Path) -> None:
        self.port, self._distribution_port, self._mapper_port = free_ports(3)
        self._folder = folder
        (folder / "plugins").write_text("[].\n")
        (folder / "environment").touch()
        (folder / "rabbitmq.conf").write_text("log.console = true\nlog.file = false\n")

    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self._folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._mapper_port),
            "RABBITMQ_NODENAME": "flowrt@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "logs"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "environment"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2 -kernel inet_dist_use_interface {127,0,0,1}",
        }

    def command(self) -> Sequence[str | Path]:
        return [_rabbitmq_program()]

    def ready(self) -> bool:
        return answers(self.port)

    def stop(self) -> None:
        super().stop()
        if self._mapper is not None:
            self._mapper.stop()

    def kill(self) -> None:
        super().kill()
        if self._mapper is not None:
            self._mapper.kill()

    def _launch(self, process: ServerProcess) -> None:
        """The mapper first: the node would start one that outlives it."""
        if self._mapper is None:
            listen = ["-address", "127.0.0.1", "-port", str(self._mapper_port)]
            self._mapper = ServerProcess("epmd", [program("epmd", "rabbitmq-server"), *listen], self._folder)
        if not self._mapper.running:
            self._mapper.start(lambda: answers(self._mapper_port), self.ready_within_s)
        super()._launch(process)
