"""The Kubernetes API server and its etcd, without controllers: objects are kept and watched, no pod ever runs."""

import ssl
import urllib.request
from pathlib import Path
from urllib.error import URLError

from . import gobuild
from .certificates import self_made
from .install import Missing
from .ports import answers, free_ports
from .process import ServerFailed, ServerProcess

_KUBERNETES = "v1.33.13"
_ETCD = "v3.6.7"
_READY_WITHIN_S = 240


def _api_server_program() -> Path:
    package, link = "k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/component-base/version.gitVersion"
    version = f"-X {link}={_KUBERNETES}"
    return gobuild.built("kube-apiserver", package, "k8s.io/kubernetes", _KUBERNETES, link=version)


def _etcd_program() -> Path:
    return gobuild.built("etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3", _ETCD)


class Kubernetes:
    name = "kubernetes"
    token = "flowrt-admin"

    def __init__(self) -> None:
        self._port = self._etcd_port = self._peer_port = 0
        self._etcd: ServerProcess | None = None
        self._api_server: ServerProcess | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    @property
    def authority(self) -> Path:
        """The certificate that clients have to trust."""
        return self._certificate.authority

    def unavailable(self) -> str | None:
        try:
            _etcd_program()
            _api_server_program()
        except Missing as missing:
            return str(missing)
        return None

    def start(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._port, self._etcd_port, self._peer_port = free_ports(3)
        self._certificate = self_made(folder)
        (folder / "tokens.csv").write_text(f'{self.token},admin,1,"system:masters"\n')
        self._etcd = ServerProcess("etcd", self._etcd_command(folder), folder)
        self._api_server = ServerProcess("kube-apiserver", self._api_server_command(folder), folder)
        self._launch(self._etcd, self._api_server)

    def stop(self) -> None:
        """The API server first: it could not end properly without its etcd."""
        for process in filter(None, (self._api_server, self._etcd)):
            process.stop()

    def kill(self) -> None:
        for process in filter(None, (self._api_server, self._etcd)):
            process.kill()

    def restart(self) -> None:
        if self._etcd is None or self._api_server is None:
            raise ServerFailed("kubernetes was never started: call start(folder) first")
        self.stop()
        self._launch(self._etcd, self._api_server)

    def _launch(self, etcd: ServerProcess, api_server: ServerProcess) -> None:
        etcd.start(lambda: answers(self._etcd_port), _READY_WITHIN_S)
        api_server.start(self._ready, _READY_WITHIN_S)

    def _ready(self) -> bool:
        trust = ssl.create_default_context(cafile=self.authority)
        request = urllib.request.Request(f"{self.url}/readyz", headers={"Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=5, context=trust) as response:
                return bool(response.read() == b"ok")
        except (URLError, OSError):
            return False

    def _etcd_command(self, folder: Path) -> list[str | Path]:
        client, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{self._peer_port}"
        command: list[str | Path] = [
            _etcd_program(),
            "--data-dir",
            folder / "etcd",
            "--initial-cluster",
            f"default={peer}",
        ]
        command += ["--listen-client-urls", client, "--advertise-client-urls", client]
        return [*command, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]

    def _api_server_command(self, folder: Path) -> list[str | Path]:
        made = self._certificate
        options = {
            "etcd-servers": f"http://127.0.0.1:{self._etcd_port}",
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "secure-port": self._port,
            "tls-cert-file": made.certificate,
            "tls-private-key-file": made.key,
            "cert-dir": folder / "certificates",
            "service-cluster-ip-range": "10.96.0.0/24",
            "service-account-issuer": self.url,
            "service-account-key-file": made.key,
            "service-account-signing-key-file": made.key,
            "token-auth-file": folder / "tokens.csv",
            "authorization-mode": "RBAC",
            "endpoint-reconciler-type": "none",
            # Accounts of pods are made by a controller, and there is none.
            "disable-admission-plugins": "ServiceAccount",
        }
        return [_api_server_program(), *(f"--{option}={value}" for option, value in options.items())]
