"""Addresses of clients."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from appliance.settings.models import Network


def plain(host: str) -> str:
    """Give the address in one form: an IPv4 address mapped into IPv6 as IPv4, an IPv6 one without its zone."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(found)


def is_allowed(host: str, networks: Iterable[Network]) -> bool:
    """Whether the address lies in one of the networks; an IPv4 address mapped into IPv6 counts as IPv4."""
    try:
        found = ipaddress.ip_address(plain(host))
    except ValueError:
        return False
    return any(found in network for network in networks)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a listener on the address."""
    try:
        return ipaddress.ip_address(plain(host)).is_loopback
    except ValueError:
        return host == "localhost"


def is_everywhere(host: str) -> bool:
    """Whether a listener on the address takes connections to every address of the machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return not host
