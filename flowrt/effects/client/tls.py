"""The TLS context of a client: whom it trusts, and the certificate it shows.

Invariant: a private key given as text is on disk only while OpenSSL reads it, readable by this user alone.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import certifi

from .faults import misconfigured
from .messages import ClientCertificate
from .settings import Tls


def tls_context(tls: Tls, certificate: ClientCertificate | None) -> ssl.SSLContext:
    """Raises `configuration`/400 for a file that cannot be read or is not what it should be."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls.ca_file is not None:
        _load_authorities(context, tls.ca_file)
    else:
        context.load_default_certs()
        context.load_verify_locations(certifi.where())
    if certificate is None and tls.cert_file is not None:
        certificate = ClientCertificate(tls.cert_file, tls.key_file, tls.key_password)
    if certificate is not None:
        _load_identity(context, certificate)
    return context


def _load_authorities(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(path)
    except (OSError, ssl.SSLError) as error:
        raise misconfigured(f"the CA file {path} of the HTTP client cannot be used: {error}") from error


def _load_identity(context: ssl.SSLContext, certificate: ClientCertificate) -> None:
    try:
        with _as_file(certificate.certificate) as certificate_path, _as_file(certificate.key) as key_path:
            # A callback, for otherwise OpenSSL would ask for the passphrase of an encrypted key on the terminal.
            context.load_cert_chain(certificate_path or "", key_path, lambda: certificate.passphrase or "")
    except (OSError, ssl.SSLError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a valid PEM pair"
        raise misconfigured(
            f"the client certificate or its key cannot be used ({reason}); "
            "give each as PEM text or as the path of a PEM file, and the passphrase if the key is encrypted"
        ) from error


@contextmanager
def _as_file(pem: str | None) -> Iterator[str | None]:
    if pem is None or "-----BEGIN" not in pem:
        yield pem
        return
    with tempfile.TemporaryDirectory(prefix="flowrt-") as folder:  # mode 0700
        path = os.path.join(folder, "identity.pem")
        with open(path, "w", encoding="ascii") as file:
            file.write(pem)
        yield path
