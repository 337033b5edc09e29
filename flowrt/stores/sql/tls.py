"""TLS to a database server, in the words of libpq."""

from __future__ import annotations

import ssl

from flowrt.stores.protocol import StoreRefused
from flowrt.stores.sql.settings import Tls


def context(tls: Tls) -> ssl.SSLContext:
    """What the settings ask of an encrypted connection. Raises `StoreRefused` for files that cannot be read."""
    try:
        made = ssl.create_default_context(cafile=tls.ca_file)
        if tls.mode != "verify-full":
            made.check_hostname = False
        if tls.mode not in ("verify-ca", "verify-full") and tls.ca_file is None:
            made.verify_mode = ssl.CERT_NONE
        if tls.certificate_file is not None:
            made.load_cert_chain(tls.certificate_file, tls.key_file)
    except OSError as error:
        files = ", ".join(file for file in (tls.ca_file, tls.certificate_file, tls.key_file) if file)
        raise StoreRefused(f"the certificate files of the store cannot be used ({files}): {error}") from error
    return made
