"""Apache Pulsar standalone: broker, bookie and metadata in one process, without functions and stream storage.

`java/pulsar-jars.txt` names every jar it needs, so that Maven resolves nothing and fetches no more than that.
"""

import platform
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.error import URLError

from . import maven
from .install import Missing
from .ports import free_ports
from .single import SingleProcessServer

_JAVA = Path(__file__).parent / "java"
_STARTER = _JAVA / "PulsarStart.java"
_LOGGING = """\
<Configuration>
  <Appenders><Console name="out"><PatternLayout pattern="%d{HH:mm:ss.SSS} %p %c{1} %m%n"/></Console></Appenders>
  <Loggers><Root level="warn"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""


class Pulsar(SingleProcessServer):
    name = "pulsar"
    ready_within_s = 240

    def __init__(self) -> None:
        super().__init__()
        self.port = self._web_port = self._bookie_port = 0

    @property
    def url(self) -> str:
        return f"pulsar://127.0.0.1:{self.port}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self._web_port}"

    def fetch(self) -> None:
        if platform.machine() != "x86_64":
            raise Missing("pulsar: its jars are listed for x86_64 only: run these tests on such a machine")
        maven.java()
        self._jars = maven.jars(self.name, (_JAVA / "pulsar-jars.txt").read_text().split(), exact=True)
        self._starter = maven.compiled(_STARTER, self._jars)

    def prepare(self, folder: Path) -> None:
        self.port, self._web_port, self._bookie_port = free_ports(3)
        self._folder = folder
        settings = {
            "clusterName": "standalone",
            "advertisedAddress": "127.0.0.1",
            "bindAddress": "127.0.0.1",
            "listeningInterface": "lo",
            "allowLoopback": "true",
            "allowEphemeralPorts": "true",
            "brokerServicePort": self.port,
            "webServicePort": self._web_port,
            "managedLedgerDefaultEnsembleSize": 1,
            "managedLedgerDefaultWriteQuorum": 1,
            "managedLedgerDefaultAckQuorum": 1,
            "managedLedgerCacheSizeMB": 32,
            "loadBalancerEnabled": "false",
        }
        (folder / "standalone.conf").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        (folder / "log4j2.xml").write_text(_LOGGING)

    def command(self) -> Sequence[str | Path]:
        options = [*maven.small_machine(256), "-XX:MaxDirectMemorySize=128m"]
        options.append(f"-Dlog4j.configurationFile={self._folder / 'log4j2.xml'}")
        metadata = self._folder / "metadata"
        pulsar: list[str | Path] = [metadata, "--config", self._folder / "standalone.conf", "--metadata-dir", metadata]
        pulsar += ["--bookkeeper-dir", self._folder / "bookkeeper", "--bookkeeper-port", str(self._bookie_port)]
        pulsar += ["--no-functions-worker", "--no-stream-storage"]
        return [maven.java(), *options, "-cp", f"{self._jars}/*:{self._starter}", _STARTER.stem, *pulsar]

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.admin_url}/admin/v2/namespaces/public", timeout=5) as response:
                return b"public/default" in response.read()
        except (URLError, OSError):
            return False
