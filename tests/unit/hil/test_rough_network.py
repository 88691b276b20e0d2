"""The simulator of a rough network: what it does to packets is what its plan says, and what its report tells."""

from __future__ import annotations

import contextlib
import socket
import struct
import time

from hil.peers.rough_network import PathReport, RoughNetwork, RoughPlan

WAIT_S = 5.0
PROBES = (5000, 5001)
REPORT = struct.pack("!BBHI", 0x80, 201, 1, 77)  # an RTCP receiver report without blocks


def relayed(plan: RoughPlan, octets: list[bytes]) -> tuple[list[bytes], PathReport]:
    """Send all through path 0; gives what came out, and what is told of it."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        RoughNetwork(plan) as network,
    ):
        out.bind(("127.0.0.1", 0))
        (way, *_) = network.lead([out.getsockname()])
        probe(PROBES[0], sender, way, out)  # the way is an order to another process
        for packet in octets:
            sender.sendto(packet, way)
        came = [packet for packet in probe(PROBES[1], sender, way, out) if packet != rtp(PROBES[0])]
    (report, _) = network.report
    report.sent = [number for number in report.sent if number not in PROBES]
    report.dropped = [number for number in report.dropped if number not in PROBES]
    return came, report


def probe(number: int, sender: socket.socket, way: tuple[str, int], out: socket.socket) -> list[bytes]:
    """Send probes until one comes out; gives what came out before it."""
    came: list[bytes] = []
    out.settimeout(0.05)
    end_s = time.monotonic() + WAIT_S
    while time.monotonic() < end_s:
        sender.sendto(rtp(number), way)
        with contextlib.suppress(TimeoutError):
            while (packet := out.recv(2048)) != rtp(number):
                came.append(packet)
            return came
    raise AssertionError("no probe came through")


def rtp(number: int) -> bytes:
    return struct.pack("!BBHII", 0x80, 0, number, number * 160, 77) + bytes(160)


def test_a_smooth_network_hands_on_all_in_order() -> None:
    sent = [rtp(number) for number in range(50)]
    came, report = relayed(RoughPlan(seed=1), sent)
    assert came == sent
    assert report.sent == list(range(50))
    assert (report.dropped, report.overtaken, report.doubled) == ([], 0, 0)


def test_reports_of_a_neighbour_stream_are_no_packets_of_the_path() -> None:
    came, report = relayed(RoughPlan(seed=1), [rtp(1), REPORT, rtp(2)])
    assert came == [rtp(1), rtp(2)]
    assert report.sent == [1, 2]


def test_what_is_dropped_is_told_and_does_not_come() -> None:
    came, report = relayed(RoughPlan(seed=2, loss=0.3), [rtp(number) for number in range(200)])
    gone = set(range(200)) - {int.from_bytes(packet[2:4], "big") for packet in came}
    assert gone == set(report.dropped)
    assert 20 < len(gone) < 120
