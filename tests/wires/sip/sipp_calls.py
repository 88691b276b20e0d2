"""Calls whose signalling is SIPp's, by a scenario of our own, and whose packets are the test's."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from appliance.audio.measure import CodedFrames, read_coded
from drivers.contract import CallArrived, CallLeft
from hil.peers.sip_uac import Address
from hil.peers.sipp import Sipp
from tests.wires.sip.conftest import PACKET_S, Leg, Trunk, packet

SCENARIOS: Final = Path(__file__).with_name("scenarios")
TAIL: Final = 60
"""Packets said between the end and its answer, which waits until the jitter buffer is empty: a dozen, and as many more
as the machine once stood still, since a bridge that was late stays so; at most 1.2 s."""


class Spoken(NamedTuple):
    """A call that is over: how many packets were sent on each stream until SIPp was done, and what is in its record."""

    sent: int
    left: CallLeft
    legs: dict[int, Leg]
    measured: dict[str, Any]
    story: str
    targets: tuple[Address, ...]  # where the packets went, one a stream

    def coded(self, leg: int = 0) -> CodedFrames:
        return read_coded(self.legs[leg].pcm, leg)


async def spoken(
    trunk: Trunk,
    folder: Path,
    scenario: str,
    *,
    first: str = "SIP/2.0 200",
    after_s: float = 0.0,
    timeout_s: float = 12,
    **keys: str | int,
) -> Spoken:
    """Let SIPp call, speak from ``after_s`` behind the ``first`` such message on, and give what became of the call."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as voice:
        voice.bind(("127.0.0.1", 0))
        keys = {"rtp_port": voice.getsockname()[1], **keys}
        async with Sipp(SCENARIOS / f"{scenario}.xml", folder, to=trunk.port, keys=keys) as peer:
            await peer.heard(first)
            await asyncio.sleep(after_s)
            targets = await peer.media()
            speaking = asyncio.create_task(_speak(voice, targets))
            try:
                await peer.over(timeout_s)
            finally:
                speaking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await speaking
            sent = int(speaking.get_name())
            call_id = (await peer.heard("INVITE")).one("Call-ID")
            return await _outcome(trunk, call_id, sent, peer.story(), targets)


async def _speak(voice: socket.socket, targets: tuple[Any, ...]) -> None:
    """Send packets until this is cancelled; the task's name counts them."""
    task = asyncio.current_task()
    assert task is not None
    task.set_name("0")
    begun_s = time.monotonic()
    for number in range(1 << 16):
        await asyncio.sleep(max(0.0, begun_s + number * PACKET_S - time.monotonic()))
        for leg, target in enumerate(targets):
            voice.sendto(packet(leg, number), target)
        task.set_name(str(number + 1))


async def _outcome(trunk: Trunk, call_id: str, sent: int, story: str, targets: tuple[Address, ...]) -> Spoken:
    (arrived,) = [fact for fact in trunk.all(CallArrived) if fact.reference == call_id]
    end_s = time.monotonic() + 5
    while not (left := [fact for fact in trunk.all(CallLeft) if fact.session == arrived.session]):
        assert time.monotonic() < end_s, trunk.facts
        await asyncio.sleep(0.02)
    measured = trunk.read(arrived.session).measured
    return Spoken(sent, left[0], trunk.legs(arrived.session), measured, story, targets)
