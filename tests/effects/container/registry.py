"""A registry that holds one image, asks for a login, and counts how often the image is asked for."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class Registry:
    """Serves the image of a `docker save` archive as `<address>/team/tool:<tag>`."""

    username, password = "ann", "s3cret"
    expected = f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"

    def __init__(self, saved: bytes, tag: str) -> None:
        self.pulls = 0
        self._contents: dict[str, tuple[str, bytes]] = {}
        self._manifest = self._taken_apart(saved)
        self._tag = tag
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Registry:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        if authorization != self.expected:
            return 401, "text/plain", b""
        if path == "/v2/":
            return 200, "text/plain", b""
        _, _, reference = path.rpartition("/")
        if path == f"/v2/team/tool/manifests/{self._tag}":
            self.pulls += 1
            return 200, _MANIFEST, self._manifest
        if reference in self._contents:
            return 200, *self._contents[reference]
        return 404, "application/json", b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}'

    def _taken_apart(self, saved: bytes) -> bytes:
        with tarfile.open(fileobj=io.BytesIO(saved)) as archive:

            def read(name: str) -> bytes:
                file = archive.extractfile(name)
                assert file is not None
                return file.read()

            [image] = json.loads(read("manifest.json"))
            layers = [self._add(_LAYER, gzip.compress(read(name), mtime=0)) for name in image["Layers"]]
            config = self._add(_CONFIG, read(image["Config"]))
        manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": layers}
        self._add(_MANIFEST, json.dumps(manifest).encode())
        return json.dumps(manifest).encode()

    def _add(self, kind: str, content: bytes) -> dict[str, object]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._contents[digest] = kind, content
        return {"mediaType": kind, "size": len(content), "digest": digest}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, kind, content = registry.answer(self.path, self.headers.get("Authorization"))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(content).hexdigest()}")
                if status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="tests"')
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)

            do_HEAD = do_GET

            def log_message(self, format: str, *arguments: object) -> None:
                """Quiet."""

        return Handler
