from __future__ import annotations

import shutil
import socket
import struct
import time
from pathlib import Path

import pytest

from hil.peers.rtpengine import Ng, Rtpengine, RtpengineError, read_pcap
from hil.peers.sip_uac import offer_audio


def packet(port: int, number: int) -> bytes:
    rtp = struct.pack("!BBHII", 0x80, 0, number, number * 160, 7) + bytes(160)
    udp = struct.pack("!HHHH", 5000, port, 8 + len(rtp), 0) + rtp
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), bytes(4)) + udp
    return struct.pack("=IIII", 0, 0, len(ip), len(ip)) + ip


def test_numbers_are_read_by_port_and_a_cut_file_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(bytes(24) + packet(7000, 1) + packet(7002, 1) + packet(7000, 3) + packet(7000, 4)[:20])
    assert read_pcap(path) == {7000: {1, 3}, 7002: {1}}


@pytest.mark.skipif(shutil.which("rtpengine") is None, reason="rtpengine is not installed")
def test_what_is_sent_through_it_stands_in_its_file(tmp_path: Path) -> None:
    with Rtpengine(tmp_path, (41_200, 41_300)) as engine, Ng(engine.control) as ng:
        with pytest.raises(RtpengineError):
            ng.ask(command="nonsense")
        offer, answer = offer_audio(41_400, 2), offer_audio(41_402, 2, direction="recvonly")
        targets = ng.open_call("one", offer, answer)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
            for number in range(5):
                for leg, target in enumerate(targets):
                    if (leg, number) != (1, 3):
                        source.sendto(packet(0, number)[44:], target)
                time.sleep(0.01)
        time.sleep(0.1)
        ng.ask(command="delete", call_id="one", from_tag="a")
    (found,) = engine.recorded()
    assert [found[port] for _, port in targets] == [{0, 1, 2, 3, 4}, {0, 1, 2, 4}]
