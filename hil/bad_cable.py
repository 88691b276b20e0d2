"""A cable that is bad on purpose: what is played into one loopback card comes out at another, spoilt by channel.

``python -m hil.bad_cable SOURCE TARGET --channels 8 --fault 2=attenuated --fault 4=swapped`` carries what is captured
from the device SOURCE into the device TARGET until it is ended, and says ``carrying`` when it does. The rig's tests lay
it between an output and a card, so that the suite has something to find. What it spoils by itself, because it was too
slow, it tells, and ends with exit code 1.
"""

from __future__ import annotations

import argparse
import enum
import sys
from collections.abc import Mapping, Sequence
from typing import Final, final

import numpy as np
import numpy.typing as npt

from drivers.taps.soundcard.listening import Listening, Options, StreamError
from drivers.taps.soundcard.playing import Player, PlayOptions, player

Pcm = npt.NDArray[np.int16]
Wave = npt.NDArray[np.float64]

FULL: Final = 32767.0
ATTENUATION: Final = 0.7  # 3.1 dB
NOISE_RMS: Final = 10 ** (-60 / 20) / np.sqrt(2)  # -60 dBFS
LEAK: Final = 0.01  # 40 dB down
SQUARE: Final = 0.13  # 2 % of a tone at -10 dBFS becomes its second harmonic
SMEAR: Final = 0.12  # at 8 kHz: 1.9 dB less at 3400 Hz than at 1020 Hz
LOOSE_EVERY_S: Final = 3.0
LOOSE_FOR_S: Final = 0.03
_AHEAD_S: Final = 0.3
_PERIOD_MS: Final = 50
_BUFFER_MS: Final = 1000


class Fault(enum.StrEnum):
    """What a channel of the cable does to its signal. ``SWAPPED`` crosses a channel with the next one."""

    ATTENUATED = "attenuated"
    NOISY = "noisy"
    SWAPPED = "swapped"
    INVERTED = "inverted"
    LEAKING = "leaking"  # hears the first channel too
    DISTORTING = "distorting"
    DULL = "dull"
    LOOSE = "loose"  # opens for a moment now and then
    OPEN = "open"


@final
class BadCable:
    """Spoils blocks of frames that follow each other. Channels count from 1; those without a fault are left alone."""

    def __init__(self, faults: Mapping[int, Fault], rate_hz: int) -> None:
        self._faults = dict(faults)
        self._rate_hz = rate_hz
        self._frames = 0
        self._before = dict.fromkeys(faults, 0.0)  # last sample of each channel in the block before
        self._draw = np.random.default_rng(1)

    def carry(self, pcm: Pcm) -> Pcm:
        """Give what comes out, shape (frames, channels) as what went in."""
        out = pcm.copy()
        for channel, fault in self._faults.items():
            at = channel - 1
            if fault is Fault.SWAPPED:
                out[:, [at, at + 1]] = pcm[:, [at + 1, at]]
            else:
                spoilt = self._spoilt(fault, channel, pcm[:, at] / FULL, pcm[:, 0] / FULL)
                out[:, at] = np.round(FULL * np.clip(spoilt, -1, 1))
        self._frames += len(pcm)
        return out

    def _spoilt(self, fault: Fault, channel: int, wave: Wave, first: Wave) -> Wave:
        match fault:
            case Fault.ATTENUATED:
                return ATTENUATION * wave
            case Fault.NOISY:
                return wave + self._draw.normal(0, NOISE_RMS, wave.size)
            case Fault.INVERTED:
                return -wave
            case Fault.LEAKING:
                return wave + LEAK * first
            case Fault.DISTORTING:
                return wave + SQUARE * wave**2
            case Fault.DULL:
                delayed = np.concatenate([[self._before[channel]], wave[:-1]])
                self._before[channel] = float(wave[-1])
                return (1 - SMEAR) * wave + SMEAR * delayed
            case Fault.LOOSE:
                at_s = (self._frames + np.arange(wave.size)) / self._rate_hz
                return np.where(at_s % LOOSE_EVERY_S < LOOSE_FOR_S, 0.0, wave)
            case _:
                return np.zeros_like(wave)


def main(words: Sequence[str] | None = None) -> int:
    """Carry until it is ended, or something goes wrong; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hil.bad_cable", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source", help="ALSA PCM that is captured from")
    parser.add_argument("target", help="ALSA PCM that is played into")
    parser.add_argument("--channels", type=int, default=8, choices=range(1, 65), metavar="N", help="1 to 64")
    parser.add_argument(
        "--rate", type=int, default=8000, choices=(8000, 16000, 48000), help="faults are made for 8 kHz"
    )
    parser.add_argument("--fault", type=_fault, action="append", default=[], metavar="CHANNEL=FAULT")
    options = parser.parse_args(words)
    for channel, fault in options.fault:
        if not 1 <= channel <= options.channels - (fault is Fault.SWAPPED):
            parser.error(f"there is no channel for {channel}={fault}")
    cable = BadCable(dict(options.fault), options.rate)
    source = Options.model_validate(
        {
            "name": "cable",
            "kind": "soundcard",
            "device": options.source,
            "channels": options.channels,
            "card_rate_hz": options.rate,
            "period_ms": _PERIOD_MS,
        }
    )
    target = PlayOptions(options.target, "alsa", options.channels, options.rate, _BUFFER_MS)
    try:
        with Listening(source) as card, player(target) as output:
            _carry(card, output, cable)
    except StreamError as error:
        sys.stderr.write(f"bad cable: {error}\n")
    return 1


def _fault(text: str) -> tuple[int, Fault]:
    channel, _, name = text.partition("=")
    if not channel.isdecimal() or name not in set(Fault):
        raise argparse.ArgumentTypeError(f"{text!r} is not a channel and one of {', '.join(Fault)}")
    return int(channel), Fault(name)


def _carry(card: Listening, output: Player, cable: BadCable) -> None:
    """Carry for as long as nothing is lost on the way. Raises StreamError."""
    options = output.options
    output.write(np.zeros((round(_AHEAD_S * options.rate_hz), options.channels), np.int16))
    sys.stdout.write("carrying\n")
    sys.stdout.flush()
    while not card.overruns and not output.dry:
        if (pcm := card.read(1.0)) is not None:
            output.write(cable.carry(pcm))
    sys.stderr.write(f"bad cable: too slow: {card.overruns} overruns, ran dry {output.dry} times\n")


if __name__ == "__main__":
    sys.exit(main())
