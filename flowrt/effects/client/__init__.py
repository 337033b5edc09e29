"""The HTTP client that every outgoing call shares: limits, retries, routing by task, rules about hosts."""

from .clients import Clients
from .messages import ClientCertificate, Request, Response
from .settings import Breaker, ClientSettings, Hosts, Pool, Retries, Timeouts, Tls

__all__ = [
    "Breaker",
    "ClientCertificate",
    "ClientSettings",
    "Clients",
    "Hosts",
    "Pool",
    "Request",
    "Response",
    "Retries",
    "Timeouts",
    "Tls",
]
