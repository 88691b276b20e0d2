"""``linetap tone``: a test signal into a card, or a file."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_BLOCK_S = 0.1
_MOST_BYTES = 2**32 - 64
"""Of audio in a WAV file, whose lengths are 32-bit numbers."""


class Signal(enum.StrEnum):
    """What is played."""

    SINE = "sine"
    SILENCE = "silence"
    SWEEP = "sweep"
    NOISE = "noise"


class Backend(enum.StrEnum):
    """What it is played through."""

    ALSA = "alsa"
    PORTAUDIO = "portaudio"


def tone(  # noqa: PLR0913, PLR0917 - typer passes them by name
    device: Annotated[str, typer.Option(help="ALSA PCM, or a part of the name that PortAudio lists.")] = "",
    wav: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a WAV file, and play nothing.")] = None,
    signal: Annotated[Signal, typer.Option(help="What to play; a sweep goes from --frequency to --to.")] = Signal.SINE,
    frequency: Annotated[float, typer.Option(min=1, max=96000, metavar="HZ", help="Of the sine.")] = 1020.0,
    to: Annotated[float, typer.Option(min=1, max=96000, metavar="HZ", help="End of a sweep.")] = 3400.0,
    level: Annotated[
        float, typer.Option(min=-120, max=60, help="dBFS; dBm0 with --full-scale-dbm0. 0 dBFS is a full-scale sine.")
    ] = -10.0,
    full_scale_dbm0: Annotated[
        float | None, typer.Option("--full-scale-dbm0", help="Calibration of the output: a full-scale sine in dBm0.")
    ] = None,
    channels: Annotated[int, typer.Option(min=1, max=64, help="Channels of the device.")] = 2,
    channel: Annotated[int, typer.Option(min=0, max=64, help="The one to play on, from 1; 0: all.")] = 0,
    rate: Annotated[int, typer.Option(min=8000, max=192000, metavar="HZ", help="Frames a second.")] = 48000,
    seconds: Annotated[float, typer.Option(min=0, help="For so long; 0: until Ctrl-C.")] = 0.0,
    backend: Annotated[Backend, typer.Option(help="As of the tap soundcard.")] = Backend.ALSA,
) -> None:
    """Play a test signal until Ctrl-C, or write it to a WAV file."""
    level_dbfs = level - (full_scale_dbm0 or 0.0)
    _check(device, wav, level_dbfs, channel, channels)
    if wav is not None:
        _check_length(seconds, 2 * channels * rate)
    if signal in {Signal.SINE, Signal.SWEEP}:
        for name, hz in (("--frequency", frequency), ("--to", to if signal is Signal.SWEEP else 1.0)):
            if hz >= rate / 2:
                raise typer.BadParameter(f"less than half of {rate} Hz", param_hint=name)
    wave = _wave(signal, frequency, to, rate, level_dbfs)
    blocks = _blocks(wave, seconds, rate, channels, channel)
    try:
        if wav is not None:
            _write(wav, blocks, rate, channels)
        else:
            _play(device, backend, blocks, rate, channels)
    except KeyboardInterrupt:
        return


def _check(device: str, wav: Path | None, level_dbfs: float, channel: int, channels: int) -> None:
    if bool(device) == (wav is not None):
        raise typer.BadParameter("one of --device and --wav", param_hint="--device")
    if level_dbfs > 0:
        raise typer.BadParameter(f"{level_dbfs:g} dBFS is more than full scale", param_hint="--level")
    if channel > channels:
        raise typer.BadParameter(f"there are {channels} channels", param_hint="--channel")


def _check_length(seconds: float, bytes_per_s: int) -> None:
    if not seconds:
        raise typer.BadParameter("a file needs an end", param_hint="--seconds")
    if seconds * bytes_per_s > _MOST_BYTES:
        raise typer.BadParameter(f"a WAV file holds {_MOST_BYTES // bytes_per_s} s of this", param_hint="--seconds")


def _wave(
    signal: Signal, low_hz: float, high_hz: float, rate_hz: int, level_dbfs: float
) -> Iterator[npt.NDArray[np.float64]]:
    from appliance.audio import signals

    frames = round(_BLOCK_S * rate_hz)
    match signal:
        case Signal.SINE:
            return signals.sine(low_hz, rate_hz, frames, level_dbfs)
        case Signal.SWEEP:
            return signals.sweep(low_hz, high_hz, 10, rate_hz, frames, level_dbfs)
        case Signal.NOISE:
            return signals.noise(frames, level_dbfs)
        case Signal.SILENCE:
            return signals.silence(frames)


def _blocks(
    wave: Iterator[npt.NDArray[np.float64]], seconds: float, rate_hz: int, channels: int, channel: int
) -> Iterator[npt.NDArray[np.int16]]:
    """Put the wave on its channels, and end it."""
    import numpy as np

    from appliance.audio import signals

    left = round(seconds * rate_hz) if seconds else None
    for block in wave:
        mono = signals.to_pcm(block[:left])
        pcm = np.zeros((len(mono), channels), np.int16)
        pcm[:, channel - 1 if channel else slice(None)] = mono if channel else mono[:, None]
        yield pcm
        if left is not None:
            left -= len(mono)
            if left <= 0:
                return


def _write(path: Path, blocks: Iterator[npt.NDArray[np.int16]], rate_hz: int, channels: int) -> None:
    """Write the file. Raises LinetapError."""
    import wave

    from appliance.errors import LinetapError

    try:
        with path.open("wb") as out, wave.open(out, "wb") as file:
            file.setparams((channels, 2, rate_hz, 0, "NONE", ""))
            for block in blocks:
                file.writeframes(block.astype("<i2").tobytes())
    except OSError as error:
        raise LinetapError(f"{path}: {error.strerror}") from error


def _play(device: str, backend: Backend, blocks: Iterator[npt.NDArray[np.int16]], rate_hz: int, channels: int) -> None:
    """Play until the blocks end. Raises LinetapError."""
    from appliance.errors import LinetapError
    from drivers.contract import TapOptionsError
    from drivers.taps.soundcard.playing import PlayOptions, StreamError, player

    options = PlayOptions(device, backend.value, channels, rate_hz)
    try:
        with player(options) as output:
            print(f"plays into {device} at {rate_hz} Hz; Ctrl-C ends it", flush=True)
            for block in blocks:
                output.write(block)
            output.drain()
    except (StreamError, TapOptionsError) as error:
        raise LinetapError(str(error)) from error
