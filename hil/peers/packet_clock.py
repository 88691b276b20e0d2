"""Sends the RTP packets of many streams on time: one thread, and one system call for a few dozen packets.

Each stream sends a packet every 20 ms, G.711 µ-law or G.722; the calls are spread over eight phases of that time, so
that the far end is not hit by all packets at once. A thread that comes late sends what is due at once, so no packet is
left out, and the greatest lateness is kept: a loss behind a late source says nothing about the far end.
"""

from __future__ import annotations

import asyncio
import ctypes
import dataclasses
import os
import secrets
import socket
import struct
import threading
import time
from collections.abc import Sequence
from typing import final

import numpy as np
import numpy.typing as npt

from appliance.audio import g722
from appliance.audio.measure import coded_payload, coded_pcm
from hil.peers.sip_uac import PAYLOAD_TYPES

PACKET_S = 0.02
FRAMES = 160  # ticks of the RTP clock, and octets: the same for both codecs
PHASES = 8
HEADER_BYTES = 12
PACKET_BYTES = HEADER_BYTES + FRAMES
_LATE_S = 0.005
_ADDRESS_BYTES = 16  # struct sockaddr_in


class _IoVector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """``struct msghdr`` of Linux."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_size", ctypes.c_uint32),
        ("vectors", ctypes.POINTER(_IoVector)),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Header(ctypes.Structure):
    """``struct mmsghdr`` of Linux."""

    _fields_ = (("message", _Message), ("sent", ctypes.c_uint))


_libc = ctypes.CDLL(None, use_errno=True)


@final
@dataclasses.dataclass(slots=True)
class CallMedia:
    """The streams of one call: where they go, and how far they are. ``done`` is set on the loop that began it."""

    targets: tuple[tuple[str, int], ...]
    packets: int
    phase: int
    done: asyncio.Event
    loop: asyncio.AbstractEventLoop
    sent: int = 0
    begun_at_s: float = 0.0
    ended_at_s: float = 0.0
    cancelled: bool = False


@final
class _Batch:
    """Packets of the calls of one phase, laid out for one sendmmsg; made anew when a call comes or goes."""

    def __init__(
        self, calls: list[CallMedia], socket_fd: int, tables: list[npt.NDArray[np.uint8]], payload_type: int
    ) -> None:
        self.calls = calls
        self._fd = socket_fd
        self._tables = tables
        self._legs = np.array([leg for call in calls for leg in range(len(call.targets))])
        self._call_of = np.array([n for n, call in enumerate(calls) for _ in call.targets])
        count = len(self._legs)
        self._packets = np.zeros((count, PACKET_BYTES), np.uint8)
        self._packets[:, 0] = 0x80  # version 2
        self._packets[:, 1] = payload_type
        self._packets[:, 8:12] = np.frombuffer(secrets.token_bytes(4 * count), np.uint8).reshape(count, 4)
        self._addresses = np.zeros((count, _ADDRESS_BYTES), np.uint8)
        self._vectors = (_IoVector * count)()
        self._headers = (_Header * count)()
        for n, (host, port) in enumerate(target for call in calls for target in call.targets):
            name = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(port), socket.inet_aton(host))
            self._addresses[n] = np.frombuffer(name, np.uint8)
            self._vectors[n] = _IoVector(self._packets.ctypes.data + n * PACKET_BYTES, PACKET_BYTES)
            message = self._headers[n].message
            message.name, message.name_size = self._addresses[n].ctypes.data, _ADDRESS_BYTES
            message.vectors, message.vector_count = ctypes.pointer(self._vectors[n]), 1

    def keep_source(self, ssrc: npt.NDArray[np.uint8], row: int) -> None:
        """Go on with a stream's SSRC of the batch before."""
        self._packets[row, 8:12] = ssrc

    def sources(self) -> dict[tuple[int, int], npt.NDArray[np.uint8]]:
        """SSRC of each stream by the identity of its call and its leg."""
        rows = enumerate(zip(self._call_of, self._legs, strict=True))
        return {(id(self.calls[call]), int(leg)): self._packets[n, 8:12].copy() for n, (call, leg) in rows}

    def adopt(self, sources: dict[tuple[int, int], npt.NDArray[np.uint8]]) -> None:
        """Take over the SSRCs of streams that were in the batch before."""
        for n, (call, leg) in enumerate(zip(self._call_of, self._legs, strict=True)):
            known = sources.get((id(self.calls[call]), int(leg)))
            if known is not None:
                self.keep_source(known, n)

    def send(self) -> None:
        """Send the next packet of each stream."""
        numbers = np.array([call.sent for call in self.calls])[self._call_of]
        self._packets[:, 2:4] = (numbers & 0xFFFF).astype(">u2").view(np.uint8).reshape(-1, 2)
        self._packets[:, 4:8] = (numbers * FRAMES).astype(">u4").view(np.uint8).reshape(-1, 4)
        for leg, table in enumerate(self._tables):
            rows = self._legs == leg
            self._packets[rows, HEADER_BYTES:] = table[numbers[rows]]
        done, count = 0, len(self._legs)
        while done < count:
            part = _libc.sendmmsg(self._fd, ctypes.byref(self._headers, done * ctypes.sizeof(_Header)), count - done, 0)
            if part < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            done += part
        for call in self.calls:
            call.sent += 1


@final
class PacketClock:
    """The thread that sends. ``longest`` is the greatest number of packets that any stream will send."""

    def __init__(self, longest: int, codec: str = "PCMU") -> None:
        self._socket, self._rtcp = _bind_pair()
        self.port = int(self._socket.getsockname()[1])
        self._tables = [_payloads(codec, leg, longest) for leg in (0, 1)]
        self._payload_type = PAYLOAD_TYPES[codec]
        self._calls: list[list[CallMedia]] = [[] for _ in range(PHASES)]
        self._changed = [False] * PHASES
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._next_phase = 0
        self._thread = threading.Thread(target=self._run, name="packet clock", daemon=True)
        self.failure: OSError | None = None  # why the thread ended before its time
        self.max_late_ms = 0.0
        self.late_turns = 0
        self.turns = 0

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and close the sockets."""
        self._stopping.set()
        self._thread.join(5)
        self._socket.close()
        self._rtcp.close()

    def begin(self, targets: Sequence[tuple[str, int]], packets: int) -> CallMedia:
        """Begin to send to the targets, leg by leg, all in the same turn."""
        with self._lock:
            call = CallMedia(tuple(targets), packets, self._next_phase, asyncio.Event(), asyncio.get_running_loop())
            self._calls[call.phase].append(call)
            self._changed[call.phase] = True
            self._next_phase = (self._next_phase + 1) % PHASES
        return call

    def cancel(self, call: CallMedia) -> None:
        """Send no more to the call's targets."""
        call.cancelled = True

    def _run(self) -> None:
        try:
            self._send_until_stopped()
        except OSError as error:
            self.failure = error
            with self._lock:
                calls = [call for phase in self._calls for call in phase]
            for call in calls:
                call.loop.call_soon_threadsafe(call.done.set)

    def _send_until_stopped(self) -> None:
        batches: list[_Batch | None] = [None] * PHASES
        begun_s, turn = time.monotonic(), 0
        while not self._stopping.is_set():
            due_s = begun_s + turn * PACKET_S / PHASES
            wait_s = due_s - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            phase = turn % PHASES
            self._note_lateness(time.monotonic() - due_s)
            batches[phase] = batch = self._renew(phase, batches[phase])
            if batch is not None:
                batch.send()
                self._settle(batch)
            turn += 1

    def _note_lateness(self, late_s: float) -> None:
        self.turns += 1
        self.late_turns += late_s > _LATE_S
        self.max_late_ms = max(self.max_late_ms, late_s * 1000)

    def _renew(self, phase: int, batch: _Batch | None) -> _Batch | None:
        if not self._changed[phase]:
            return batch
        with self._lock:
            self._changed[phase] = False
            calls = list(self._calls[phase])
        if not calls:
            return None
        renewed = _Batch(calls, self._socket.fileno(), self._tables, self._payload_type)
        if batch is not None:
            renewed.adopt(batch.sources())
        return renewed

    def _settle(self, batch: _Batch) -> None:
        now_s = time.monotonic()
        for call in batch.calls:
            if call.sent == 1:
                call.begun_at_s = now_s
            if call.sent >= call.packets or call.cancelled:
                call.ended_at_s = now_s
                with self._lock:
                    self._calls[call.phase].remove(call)
                    self._changed[call.phase] = True
                call.loop.call_soon_threadsafe(call.done.set)


def _payloads(codec: str, leg: int, count: int) -> npt.NDArray[np.uint8]:
    """Payload of each packet, shape ``(count, 160)``."""
    if codec == "G722":
        return g722.encode(np.repeat(coded_pcm(leg, count), 2))
    return coded_payload(leg, np.arange(count))


def _bind_pair() -> tuple[socket.socket, socket.socket]:
    """Bind an even port of the loopback for RTP and the odd one above it, where RTCP arrives."""
    for _ in range(100):
        rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        rtp.bind(("127.0.0.1", 0))
        port = int(rtp.getsockname()[1])
        rtcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            if port % 2 == 0:
                rtcp.bind(("127.0.0.1", port + 1))
                return rtp, rtcp
        except OSError:
            pass  # taken: try another pair
        rtp.close()
        rtcp.close()
    raise OSError("no free pair of UDP ports")
