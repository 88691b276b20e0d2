"""The bench at work: every output plays, every line is recorded by the product's tap."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from drivers.contract import LineFault, TapError
from drivers.taps.soundcard import Options, Tap
from drivers.taps.soundcard.playing import Player, PlayOptions, StreamError, player
from hil.rigfile import Card, Output, Rig, Wire, wires
from hil.suite.errors import BenchError
from hil.suite.memory import Lost, MemoryHost, MemorySink, Pcm

Wave = npt.NDArray[np.float64]
MakeWave = Callable[[Wire, int], Wave]
"""Gives what is played into a line, at a rate; full scale is 1."""

LEAD_S: Final = 0.3
_TAIL_S: Final = 0.5  # a card's last moments are heard late
_READY_S: Final = 30.0


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Recording:
    """What a line's recording holds. ``begun_s`` and ``played_s`` are moments by the monotonic clock.

    ``played_s`` is when the first frame of what was played left the output, by the output's own account; ``dry`` how
    often it ran dry.
    """

    pcm: Pcm
    rate_hz: int
    begun_s: float
    played_s: float
    dry: int
    lost: tuple[Lost, ...]
    facts: Mapping[str, Any]


@final
class Bench:
    """Plays and records on a rig; every call opens its devices, and lets them go."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.wires = wires(rig)

    def record(self, make: MakeWave, *, times: int = 1) -> dict[str, Recording]:
        """Play a wave into each line, ``times`` after each other without a gap, and give each line's recording.

        Raises BenchError where a device of the bench cannot be used.
        """
        with self._tapped({}) as taps:
            sinks, begun = self._start(taps)
            played = self._play(make, times)
            for wire in self.wires:
                taps[wire.card.name].stop(wire.line)
        found = {}
        for wire in self.wires:
            sink, output = sinks[wire.line], played[wire.output.name]
            found[wire.line] = Recording(
                sink.pcm,
                wire.card.rate_hz,
                begun[wire.line],
                (output.first_s or 0.0) + LEAD_S,
                output.dry,
                tuple(sink.lost_frames),
                sink.facts,
            )
        return found

    def wait_for_voice(self, make: MakeWave, **vox: float) -> dict[str, list[MemorySink]]:
        """Play into lines that voice starts, and give the calls of each. Raises BenchError."""
        host = MemoryHost()
        with self._tapped({"start": "vox"}, host, **vox):
            self._play(make, 1)
        return {wire.line: [one for one in host.sessions if one.line == wire.line] for wire in self.wires}

    def _start(self, taps: Mapping[str, Tap]) -> tuple[dict[str, MemorySink], dict[str, float]]:
        sinks = {wire.line: MemorySink(wire.line) for wire in self.wires}
        begun: dict[str, float] = {}
        for wire in self.wires:
            begun[wire.line] = time.monotonic()
            taps[wire.card.name].start(wire.line, sinks[wire.line])
        return sinks, begun

    @contextlib.contextmanager
    def _tapped(
        self, line: Mapping[str, Any], host: MemoryHost | None = None, **more: float
    ) -> Iterator[dict[str, Tap]]:
        """Open every card that lines go to."""
        taps: dict[str, Tap] = {}
        with contextlib.ExitStack() as stack:
            for card in {wire.card.name: wire.card for wire in self.wires}.values():
                mine = host or MemoryHost()
                told = len(mine.events)
                options = _options(card, [wire for wire in self.wires if wire.card.name == card.name], line, more)
                try:
                    tap = Tap(options, Tap.plan(options)[0])
                    stack.callback(tap.close)
                    tap.open(mine)
                    tap.poll()
                except TapError as error:
                    raise BenchError(f"card {card.name}: {error}") from error
                faults = [event.text for event in mine.events[told:] if isinstance(event, LineFault)]
                if faults:
                    raise BenchError(f"card {card.name}: {faults[0]}")
                taps[card.name] = tap
            yield taps

    def _play(self, make: MakeWave, times: int) -> dict[str, _Playing]:
        """Play on all outputs at once, and come back when all was heard. Raises BenchError."""
        outputs = {wire.output.name: wire.output for wire in self.wires}
        ready = threading.Barrier(len(outputs))
        playing = {
            name: _Playing(
                output, _matrix(output, [w for w in self.wires if w.output.name == name], make), times, ready
            )
            for name, output in outputs.items()
        }
        for one in playing.values():
            one.start()
        for one in playing.values():
            one.join()
        for name, one in playing.items():
            if one.fault:
                raise BenchError(f"output {name}: {one.fault}")
        return playing


def _options(card: Card, own: Sequence[Wire], line: Mapping[str, Any], more: Mapping[str, float]) -> Options:
    calibration = card.calibration
    return Options.model_validate(
        {
            "name": card.name,
            "kind": "soundcard",
            **card.model_dump(include={"device", "backend", "channels", "card_rate_hz", "rate_hz", "period_ms"}),
            "buffer_ms": max(card.buffer_ms, 2 * card.period_ms),
            "full_scale_dbm0": calibration.full_scale_dbm0 if calibration else None,
            "lines": [{"name": wire.line, "inputs": [wire.card_channel], **line} for wire in own],
            **more,
        }
    )


def _matrix(output: Output, own: Sequence[Wire], make: MakeWave) -> Pcm:
    """Give what an output plays, shape (frames, channels); its unused channels are silent."""
    waves = {wire.output_channel - 1: make(wire, output.rate_hz) for wire in own}
    pcm = np.zeros((max(map(len, waves.values())), output.channels), np.int16)
    for channel, wave in waves.items():
        pcm[: len(wave), channel] = np.round(32767 * np.clip(wave, -1, 1))
    return pcm


@final
class _Playing(threading.Thread):
    """One output, at the same moment as the others."""

    def __init__(self, output: Output, pcm: Pcm, times: int, ready: threading.Barrier) -> None:
        super().__init__(name=f"output {output.name}", daemon=True)
        self.fault = ""
        self.first_s: float | None = None
        self.dry = 0
        self._output = output
        self._pcm = pcm
        self._times = times
        self._ready = ready

    def run(self) -> None:
        output = self._output
        options = PlayOptions(output.device, output.backend, output.channels, output.rate_hz, output.buffer_ms)
        try:
            with player(options) as card:
                self._ready.wait(_READY_S)
                self._play(card)
        except threading.BrokenBarrierError:  # another output failed, and says so
            return
        except (StreamError, TapError) as error:
            self.fault = str(error)
            self._ready.abort()

    def _play(self, card: Player) -> None:
        def silence(seconds: float) -> Pcm:
            return np.zeros((round(seconds * self._output.rate_hz), self._output.channels), np.int16)

        card.write(silence(LEAD_S))
        for _ in range(self._times):
            card.write(self._pcm)
        card.write(silence(_TAIL_S))
        card.drain()
        self.first_s, self.dry = card.first_s, card.dry
