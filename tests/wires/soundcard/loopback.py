"""Cards of the kernel's own: snd-aloop, with a player on one side and a tap on the other."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import soundfile

from drivers.taps.soundcard import Options, Tap
from tests.unit.drivers.soundcard.card import CardHost
from tests.wires.soundcard.pulse import tones

CHANNELS = 8
DRIVER = Path("/sys/bus/platform/drivers/snd_aloop")
DEEP = ("--buffer-time=500000", "--period-time=100000")


def tone_file(folder: Path, frequencies_hz: list[int], rate_hz: int, seconds: float) -> Path:
    """Write a tone a channel; in the virtual rig that takes longer than to play it."""
    path = folder / f"{frequencies_hz[0]}.wav"
    soundfile.write(path, tones(frequencies_hz, rate_hz, seconds), rate_hz)
    return path


@contextlib.contextmanager
def playing(path: Path, card: str) -> Iterator[None]:
    """Play a file into a card."""
    player = subprocess.Popen(["aplay", "-q", *DEEP, "-D", f"hw:CARD={card},DEV=0,SUBDEV=0", str(path)])
    try:
        yield
    finally:
        player.kill()
        player.wait()


@contextlib.contextmanager
def tapped(card: str, rate_hz: int, host: CardHost, **more: Any) -> Iterator[Tap]:
    """Capture a card's other side."""
    options = Options.model_validate(
        {
            "name": card.lower(),
            "kind": "soundcard",
            "backend": "alsa",
            "device": f"hw:CARD={card},DEV=1,SUBDEV=0",
            "channels": CHANNELS,
            "card_rate_hz": rate_hz,
            **more,
        }
    )
    tap = Tap(options, Tap.plan(options)[0])
    try:
        tap.open(host)
        tap.poll()
        yield tap
    finally:
        tap.close()


def plug(number: int, *, there: bool) -> None:
    """Plug a card in, or pull it: what uses it sees its device vanish."""
    (DRIVER / ("bind" if there else "unbind")).write_text(f"snd_aloop.{number}")


def until(true: Callable[[], object], timeout_s: float = 60) -> None:
    """Wait for what other threads do."""
    end_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.05)
