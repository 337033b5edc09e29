"""Which hosts may be called: the operator's lists, and the addresses that give a machine's own identity away.

Invariant: names are looked at before DNS, addresses after it; what is connected to is the very address looked at.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from .faults import refused
from .settings import Hosts

_METADATA_ADDRESSES = frozenset({"100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"})
"""Those of Alibaba, Oracle, Azure, AWS and Google that are not link-local; the usual 169.254.169.254 is."""
_METADATA_NAMES = frozenset({"metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"})
"""Checked by name too, since behind a proxy we never see their address."""
_TRANSLATED = ip_network("64:ff9b::/96")
"""NAT64: the last 32 bits are an IPv4 address."""


class HostRules:
    """Says no by raising `authorization`/403."""

    def __init__(self, hosts: Hosts) -> None:
        self._allow = tuple(pattern.lower() for pattern in hosts.allow)
        self._deny = tuple(pattern.lower() for pattern in hosts.deny)
        self._deny_link_local = hosts.deny_link_local

    def check_name(self, host: str) -> None:
        """Before DNS: the host as the URL has it, a name or an address."""
        name = host.lower().strip("[]").rstrip(".")
        if self._deny_link_local and name in _METADATA_NAMES:
            raise refused(f"host {name} is a cloud metadata service; workflows may not call it (deny-link-local)")
        if self._allow and not any(fnmatchcase(name, pattern) for pattern in self._allow):
            raise refused(f"host {name} is not on the list of allowed hosts of the HTTP client")
        self._check_denied(name, name)
        if (literal := _address(name)) is not None:
            self.check_address(name, str(literal))

    def check_address(self, host: str, address: str) -> None:
        """After DNS: one of the addresses that `host` resolved to."""
        self._check_denied(host, address)
        if not self._deny_link_local:
            return
        parsed = _address(address)
        if parsed is None or _is_link_local(parsed):
            raise refused(
                f"host {host} is at {address}, a link-local or cloud metadata address; "
                "workflows may not call it (deny-link-local)"
            )

    def _check_denied(self, host: str, text: str) -> None:
        if any(fnmatchcase(text, pattern) for pattern in self._deny):
            raise refused(f"host {host} is on the list of denied hosts of the HTTP client")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _is_link_local(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _TRANSLATED:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            address = inner
    return address.is_link_local or str(address) in _METADATA_ADDRESSES
