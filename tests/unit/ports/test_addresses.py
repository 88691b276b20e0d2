from __future__ import annotations

import ipaddress

import pytest

from appliance.ports.addresses import is_allowed, is_loopback, plain
from appliance.settings.models import LOOPBACK

IPV4 = (ipaddress.ip_network("10.1.0.0/16"),)
IPV6 = (ipaddress.ip_network("fd00::/8"), ipaddress.ip_network("fe80::/10"))


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("127.0.0.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::FFFF:7f00:1", True),
        ("10.0.0.1", False),
        ("", False),
        ("fe80::1%lo", False),
    ],
)
def test_who_is_allowed(address: str, allowed: bool) -> None:  # noqa: FBT001 - it is the expected value
    assert is_allowed(address, LOOPBACK) is allowed


def test_an_ipv4_address_mapped_into_ipv6_is_the_ipv4_address_and_no_other() -> None:
    assert is_allowed("::ffff:10.1.2.3", IPV4)
    assert not is_allowed("::ffff:10.2.0.1", IPV4)
    assert not is_allowed("::10.1.2.3", IPV4)  # compatible, not mapped: another address
    assert not is_allowed("::ffff:10.1.2.3", IPV6)
    assert not is_allowed("::ffff:10.1.2.3", (ipaddress.ip_network("::ffff:0:0/96"),))
    assert is_allowed("fe80::1%eth0", IPV6)
    assert plain("::ffff:10.1.2.3") == "10.1.2.3"


@pytest.mark.parametrize(
    ("host", "alone"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)]
)
def test_whether_other_machines_reach_a_listener(host: str, alone: bool) -> None:  # noqa: FBT001 - it is the expected value
    assert is_loopback(host) is alone
