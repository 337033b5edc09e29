"""The Rust runtime, from its published crate; it keeps its state in memory only."""

from __future__ import annotations

import hashlib
import shutil
import tomllib
from pathlib import Path

from benchmarks.peers.program import Command, Peer
from tests.servers.install import Missing, cached, run

_PROJECT = Path(__file__).parent / "rust"
_FILES = (Path("Cargo.toml"), Path("src/main.rs"))
_MANIFEST = tomllib.loads((_PROJECT / "Cargo.toml").read_text())


def command() -> Command:
    """Raises `Missing`. The first build takes minutes."""
    cargo = shutil.which("cargo", path=f"{Path.home()}/.cargo/bin") or shutil.which("cargo")
    if cargo is None:
        raise Missing("cargo is not installed: see https://rustup.rs, or install the Debian package cargo")

    def make(draft: Path) -> None:
        (draft / "src").mkdir()
        for file in _FILES:
            shutil.copy(_PROJECT / file, draft / file)
        run([cargo, "build", "--release"], "the Rust runtime", folder=draft)
        shutil.move(draft / "target" / "release" / "rates", draft / "rates")
        shutil.rmtree(draft / "target")

    digest = hashlib.sha256(b"".join((_PROJECT / file).read_bytes() for file in _FILES)).hexdigest()[:12]
    return [cached(f"peer-rust-{digest}", make) / "rates"]


PEER = Peer("Rust swf-runtime", _MANIFEST["dependencies"]["swf-runtime"].lstrip("="), command)
