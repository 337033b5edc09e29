"""A certificate authority of the tests' own, and a certificate for 127.0.0.1 signed by it."""

from dataclasses import dataclass
from pathlib import Path

from .install import program
from .process import finish

_SUBJECT_NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost\n"


@dataclass(frozen=True, slots=True)
class Certificate:
    authority: Path
    certificate: Path
    key: Path


def self_made(folder: Path) -> Certificate:
    openssl = program("openssl", "openssl")
    made = Certificate(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    names, request = folder / "names.ext", folder / "server.csr"
    names.write_text(_SUBJECT_NAMES)
    key = ["-newkey", "rsa:2048", "-nodes"]
    authority: list[str | Path] = [*key, "-keyout", folder / "ca.key", "-subj", "/CN=flowrt tests"]
    authority += ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]
    finish([openssl, "req", "-x509", *authority, "-days", "30", "-out", made.authority])
    finish([openssl, "req", *key, "-keyout", made.key, "-subj", "/CN=127.0.0.1", "-out", request])
    signer: list[str | Path] = [
        "-CA",
        made.authority,
        "-CAkey",
        folder / "ca.key",
        "-CAcreateserial",
        "-days",
        "30",
        "-extfile",
        names,
    ]
    finish([openssl, "x509", "-req", "-in", request, *signer, "-out", made.certificate])
    return made
