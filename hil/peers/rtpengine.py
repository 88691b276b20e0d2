"""Debian's rtpengine as the peer of a comparison: its process, its control protocol, and what it recorded.

It records into pcap files by itself: its recording daemon reads from a kernel module that no Debian kernel has.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
import socket
import struct
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Final, Self, final

from hil.ports import free_udp_ports
from hil.processes import end_or_kill

HOST: Final = "127.0.0.1"
_START_S: Final = 10.0
_ANSWER_S: Final = 5.0
_STEP_S: Final = 0.05
_PCAP_HEADER_BYTES: Final = 24
_PACKET_HEADER_BYTES: Final = 16
_UDP: Final = 17


@final
class RtpengineError(Exception):
    """It does not start, or refused an order."""


@final
class Rtpengine:
    """One process with its files in ``folder``; a context manager that leaves no process behind."""

    def __init__(self, folder: Path, rtp_ports: tuple[int, int]) -> None:
        self._folder = folder
        self._rtp_ports = rtp_ports
        self._process: subprocess.Popen[bytes] | None = None
        self.control = (HOST, free_udp_ports(1)[0])

    @staticmethod
    def installed() -> bool:
        """Whether it is on this machine."""
        return shutil.which("rtpengine") is not None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        low, high = self._rtp_ports
        options = ["--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--delete-delay=0"]
        options += ["--config-file=none"]  # Debian's would open ports of its own
        options += [f"--interface={HOST}", f"--port-min={low}", f"--port-max={high}"]
        options += [f"--listen-ng={HOST}:{self.control[1]}", f"--recording-dir={self._folder}"]
        options += ["--recording-method=pcap", "--recording-format=raw"]
        with (self._folder / "rtpengine.log").open("wb") as log:
            self._process = subprocess.Popen(["rtpengine", *options], stdout=log, stderr=log, cwd=self._folder)
        end_s = time.monotonic() + _START_S
        with Ng(self.control, timeout_s=0.2) as ng:
            while True:
                with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                    ng.ask(command="ping")
                    return self
                if time.monotonic() > end_s or self._process.poll() is not None:
                    self.__exit__()
                    raise RtpengineError((self._folder / "rtpengine.log").read_text(errors="replace")[-500:])
                time.sleep(_STEP_S)

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        end_or_kill(self._process, 5)

    def recorded(self) -> list[dict[int, set[int]]]:
        """Give of each call the numbers of the packets that its file holds, by port that they came to.

        Once it has ended: a file is whole some time after its call.
        """
        return [read_pcap(path) for path in sorted((self._folder / "pcaps").glob("*.pcap"))]


@final
class Ng:
    """The control protocol: one dictionary to and fro in a datagram, bencoded."""

    def __init__(self, server: tuple[str, int], timeout_s: float = _ANSWER_S) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(server)
        self._socket.settimeout(timeout_s)
        self._numbers = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, **order: Any) -> str:
        """Have an order carried out; gives the text of the answer. Raises TimeoutError, RtpengineError."""
        cookie = f"{id(self)}_{next(self._numbers)} ".encode()
        self._socket.send(cookie + _bencode({name.replace("_", "-"): value for name, value in order.items()}))
        answer = self._socket.recv(1 << 16)
        while not answer.startswith(cookie):
            answer = self._socket.recv(1 << 16)
        text = answer.removeprefix(cookie).decode()
        if "6:result5:error" in text:
            raise RtpengineError(text)
        return text

    def open_call(self, call: str, offer: str, answer: str) -> tuple[tuple[str, int], ...]:
        """Put it between two sides and record; gives where the offering side has to send its streams to."""
        ends = {"call_id": call, "from_tag": "a", "record_call": "yes", "ICE": "remove"}
        self.ask(command="offer", sdp=offer, **ends)
        answered = self.ask(command="answer", sdp=answer, to_tag="b", **ends)
        return tuple((HOST, int(port)) for port in re.findall(r"^m=audio (\d+)", answered, re.MULTILINE))


def _bencode(value: Any) -> bytes:
    if isinstance(value, dict):
        return b"d%be" % b"".join(_bencode(name) + _bencode(value[name]) for name in sorted(value))
    octets = str(value).encode()
    return b"%d:%b" % (len(octets), octets)


def read_pcap(path: Path) -> dict[int, set[int]]:
    """Read the RTP of a file of bare IPv4 packets: sequence numbers by the port that they came to."""
    octets, at, found = path.read_bytes(), _PCAP_HEADER_BYTES, defaultdict[int, set[int]](set)
    while at + _PACKET_HEADER_BYTES <= len(octets):
        (length,) = struct.unpack_from("=I", octets, at + 8)
        packet = octets[at + _PACKET_HEADER_BYTES : at + _PACKET_HEADER_BYTES + length]
        at += _PACKET_HEADER_BYTES + length
        header = (packet[0] & 15) * 4 if packet else 0
        if len(packet) >= header + 12 and packet[9] == _UDP:
            (port,) = struct.unpack_from("!H", packet, header + 2)
            (number,) = struct.unpack_from("!H", packet, header + 10)
            found[port].add(number)
    return dict(found)
