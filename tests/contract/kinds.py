"""How each kind of tap is put through the suite: its options, how a line comes to carry audio, and which.

To add a kind, add an entry to :data:`ENTRIES`; the suite fails for a kind that has none.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import soundfile

from drivers.contract import CallArrived, MediaStarted
from drivers.taps.virtual import tone_hz
from hil.peers.call_plan import CallPlan
from hil.peers.sip_caller import SipCaller, write_tone
from tests.contract.rig import Rig
from tests.wires.soundcard.pulse import phase_jumps, pulse, tones

Pcm = npt.NDArray[np.int16]


class Carry(Protocol):
    def __call__(self, rig: Rig, folder: Path) -> AbstractAsyncContextManager[str]:
        """Make line 0 carry audio into a session; gives the session."""
        ...


@dataclasses.dataclass(frozen=True)
class Entry:
    """One kind in the suite."""

    options: Callable[[Path], dict[str, Any]]  # but name and kind; the folder holds files for them
    check: Callable[[Path, int, Pcm], None]  # (folder, leg, samples of line 0): asserts that none is missing or doubled
    carry: Carry
    lag_s: float = 0.05  # the spool is at most this far behind the moment
    surroundings: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext  # what must run beside the tap


# --- taps whose lines carry audio by themselves -------------------------------------------------------------------


@contextlib.asynccontextmanager
async def start_line(rig: Rig, folder: Path) -> AsyncIterator[str]:
    yield await rig.begin(rig.tap.lines[0].name)


# --- virtual ------------------------------------------------------------------------------------------------------


def check_tone(_: Path, leg: int, pcm: Pcm) -> None:
    """Every sample is the one that follows from the first ones' phase."""
    frames = np.arange(2 * 8000 // 50)  # whole turns of any tone of the tap
    peak = 10 ** (-16 / 20) * 32767
    turns = frames * tone_hz(0, leg, 8000) % 8000 / 8000
    table = np.round(peak * np.sin(2 * np.pi * turns)).astype(np.int16)
    period = len(table) // 2
    origins = [n for n in range(period) if np.array_equal(pcm[:period], table[n : n + period])]
    assert origins, "not the tone that was promised"
    np.testing.assert_array_equal(pcm, np.take(table, np.arange(len(pcm)) + origins[0], mode="wrap"))


# --- wavfile ------------------------------------------------------------------------------------------------------


def noise_file(folder: Path) -> dict[str, Any]:
    path = folder / "noise.wav"
    noise = np.random.default_rng(5).integers(-32768, 32767, (20 * 8000, 2), np.int16, endpoint=True)
    soundfile.write(path, noise, 8000)
    return {"files": [str(path)]}


def check_noise(folder: Path, leg: int, pcm: Pcm) -> None:
    sent, _ = soundfile.read(folder / "noise.wav", dtype="int16")
    np.testing.assert_array_equal(pcm, sent[: len(pcm), leg])


# --- sip ----------------------------------------------------------------------------------------------------------

SIP_TONES_HZ = (441, 1013)


def free_sip_port() -> int:
    """Give a port that is free for UDP and TCP, and so is the one after the next."""
    for port in range(15_000 + os.getpid() % 50 * 20, 17_000, 4):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


def sip_trunk(_: Path) -> dict[str, Any]:
    return {"port": free_sip_port(), "rtp_ports": 17_000 + os.getpid() % 20 * 200, "calls": 2, "front": "none"}


@contextlib.asynccontextmanager
async def place_call(rig: Rig, folder: Path) -> AsyncIterator[str]:
    """Place a call with two streams, and hang it up at the end."""
    sounds = tuple(str(write_tone(folder / f"{hz}.wav", hz, 30)) for hz in SIP_TONES_HZ)
    uri = f"sip:5001@127.0.0.1:{rig.tap.options.port}"  # type: ignore[attr-defined]
    caller = SipCaller([CallPlan(number=0, uri=uri, sounds=sounds)])
    await asyncio.to_thread(caller.start)
    try:
        await rig.until(lambda: any(isinstance(fact, MediaStarted) for fact in rig.facts))
        arrived = next(fact for fact in rig.facts if isinstance(fact, CallArrived))
        yield arrived.session
    finally:
        await asyncio.to_thread(caller.close)


def check_sip_tone(_: Path, leg: int, pcm: Pcm) -> None:
    """The tone's phase runs on: one packet lost or doubled would turn it by a fifth of a cycle or more."""
    frames = 400
    heard = np.abs(pcm.astype(np.int32)) > 1000
    begin = int(np.argmax(heard)) + frames
    end = len(pcm) - int(np.argmax(heard[::-1])) - frames
    blocks = pcm[begin : begin + (end - begin) // frames * frames].reshape(-1, frames).astype(float)
    assert len(blocks) > 10
    at = begin + np.arange(blocks.size).reshape(blocks.shape)
    phases = np.angle((blocks * np.exp(-2j * np.pi * SIP_TONES_HZ[leg] * at / 8000)).sum(axis=1)) / (2 * np.pi)
    turned = (phases - np.median(phases) + 0.5) % 1 - 0.5
    assert np.abs(turned).max() < 0.05, f"the phase jumps: {np.round(turned, 2)}"


# --- soundcard ----------------------------------------------------------------------------------------------------

CARD_TONES_HZ = [441, 1013]


@contextlib.contextmanager
def a_card() -> Iterator[None]:
    """A stereo card on which a tone a channel sounds, at another rate than is stored."""
    with pulse({"card": (2, 48000)}) as server:
        server.play("card", tones(CARD_TONES_HZ, 48000, 60), 48000)
        yield


def pair_of_inputs(_: Path) -> dict[str, Any]:
    return {"device": "card", "period_ms": 20, "lines": [{"name": "1", "inputs": [1, 2]}]}


def check_card_tone(_: Path, leg: int, pcm: Pcm) -> None:
    middle = pcm[400:-400]  # a filter rings where a tone is cut off
    assert len(middle) > 400
    assert phase_jumps(middle, CARD_TONES_HZ[leg], 8000) < 0.01


ENTRIES: dict[str, Entry] = {
    "virtual": Entry(options=lambda _: {"lines": 2}, check=check_tone, carry=start_line),
    "wavfile": Entry(options=noise_file, check=check_noise, carry=start_line),
    # Jitter is made good by holding back 200 ms, and the library's recorder writes in steps.
    "sip": Entry(options=sip_trunk, check=check_sip_tone, carry=place_call, lag_s=0.4),
    # A period, and what the filter to another rate holds.
    "soundcard": Entry(options=pair_of_inputs, check=check_card_tone, carry=start_line, lag_s=0.3, surroundings=a_card),
}
