"""Loopback sound cards (snd-aloop): what is played to a card's device 0 is captured from its device 1.

Tests and benches of the virtual rig play into the cards here, plug and pull them, and look whether what was recorded is
whole. The tones repeat each second, so that every frame of a recording can be checked against the one a second before.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, final

import numpy as np
import numpy.typing as npt

from appliance.audio import measure

CHANNELS: Final = 8
LEVEL_DBFS: Final = -16.0
DRIVER: Final = Path("/sys/bus/platform/drivers/snd_aloop")
_TURN_S: Final = 4  # of sound in a file that is played over and over
_DEEP: Final = ("--buffer-time=500000", "--period-time=100000")
_EDGE_S: Final = 0.1

Pcm = npt.NDArray[np.int16]


def tones_of(card: int) -> list[int]:
    """Frequencies of a card's lines in Hz, whole numbers, all different on four cards."""
    return [307 + 53 * (CHANNELS * card + n) for n in range(CHANNELS)]


def capture_side(card: str) -> str:
    """Give the ALSA device that a tap captures the card's lines from, all in one stream."""
    return f"hw:CARD={card},DEV=1,SUBDEV=0"


@contextlib.contextmanager
def playing_tones(folder: Path, card: str, frequencies_hz: Sequence[int], rate_hz: int) -> Iterator[None]:
    """Play a tone on each line of a card, without end."""
    second = np.stack([measure.make_tone(f, rate_hz, rate_hz, LEVEL_DBFS) for f in frequencies_hz], axis=1)
    with playing_round(folder, card, np.tile(second, (_TURN_S, 1)), rate_hz):
        yield


@contextlib.contextmanager
def playing_silence(card: str, rate_hz: int, *, subdevice: int = 0) -> Iterator[None]:
    """Play nothing into one line of a card, at a rate."""
    shape = ("-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(rate_hz))
    device = f"hw:CARD={card},DEV=0,SUBDEV={subdevice}"
    player = subprocess.Popen(["aplay", "-q", *_DEEP, *shape, "-D", device, "/dev/zero"])
    try:
        yield
    finally:
        player.kill()
        player.wait()


@contextlib.contextmanager
def playing_round(folder: Path, card: str, pcm: Pcm, rate_hz: int, *, subdevice: int = 0) -> Iterator[int]:
    """Play samples of shape (frames, channels) into a card, over and over; gives the player's process group."""
    path = folder / f"{card}-{subdevice}.raw"
    path.write_bytes(np.ascontiguousarray(pcm, "<i2").tobytes())
    shape = f"-t raw -f S16_LE -c {pcm.shape[1]} -r {rate_hz}"
    device = f"hw:CARD={card},DEV=0,SUBDEV={subdevice}"
    command = f"while cat '{path}'; do :; done | exec aplay -q {' '.join(_DEEP)} {shape} -D {device} -"
    player = subprocess.Popen(["sh", "-c", command], start_new_session=True)
    try:
        yield player.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(player.pid, signal.SIGKILL)
        player.wait()


def plug(number: int, *, there: bool) -> None:
    """Plug a card in, or pull it: what uses it sees its device vanish."""
    (DRIVER / ("bind" if there else "unbind")).write_text(f"snd_aloop.{number}")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """What a recorded tone is. ``broken_frames`` counts those that are not as the one a second before."""

    frequency_hz: float
    level_dbfs: float
    frames: int
    broken_frames: int


def hear_tone(pcm: Pcm, rate_hz: int) -> Heard:
    """Measure a recorded tone of a whole number of Hz, but for its edges; every frame is looked at.

    A frame that is missing or doubled breaks the second behind it.
    """
    edge = round(_EDGE_S * rate_hz)
    body = pcm[edge : len(pcm) - edge]
    tone = measure.find_tone(body[: 2 * rate_hz], rate_hz)
    apart = np.abs(body[rate_hz:].astype(np.int32) - body[:-rate_hz])
    most = max(8, int(np.abs(body[:rate_hz]).max()) // 16)  # G.711 is as coarse as that
    return Heard(tone.frequency_hz, tone.level_dbfs, len(pcm), int(np.count_nonzero(apart > most)))
