"""The tap: its verbs, and the parts of a card put together."""

from __future__ import annotations

import importlib.util
import logging
import re
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, ClassVar, Final, final

from drivers import contract
from drivers.contract import (
    Host,
    Line,
    LineMeter,
    LineUnknownError,
    SessionSink,
    TapMeter,
    TapOptions,
    TapOptionsError,
    WorkerPlan,
)
from drivers.taps.soundcard._backends import opener
from drivers.taps.soundcard._ears import Ears
from drivers.taps.soundcard._feed import Feed, Pace
from drivers.taps.soundcard._inputs import Inputs
from drivers.taps.soundcard._line import CardLine
from drivers.taps.soundcard._meter import Meter, Reading
from drivers.taps.soundcard._options import LineOptions, Options
from drivers.taps.soundcard._rate import rate
from drivers.taps.soundcard._session import Card
from drivers.taps.soundcard._vox import VoxRules

logger = logging.getLogger(__name__)

_LIBRARIES: Final = {"alsa": "alsaaudio", "portaudio": "sounddevice"}
_AGAIN_S: Final = {"alsa": 0.5, "portaudio": 2.0}  # PortAudio starts anew for each look
_STOP_S: Final = 0.08
_BY_NUMBER: Final = re.compile(r"(plug)?hw:(CARD=)?\d+(,|$)")
_SERVES_S: Final = 1.0


@final
class Tap(contract.Tap):
    """One sound card."""

    Options: ClassVar[type[TapOptions]] = Options
    poll_every_s: ClassVar[float] = _SERVES_S

    @classmethod
    def plan(cls, options: Any) -> list[WorkerPlan]:
        """Give one worker and every line. Raises TapOptionsError without the backend's library."""
        settings: Options = options
        library = _LIBRARIES[settings.backend]
        if library not in sys.modules and importlib.util.find_spec(library) is None:
            raise TapOptionsError(f"the backend {settings.backend} needs the Python package that brings {library}")
        if settings.backend == "alsa" and _BY_NUMBER.match(settings.device):
            logger.warning(
                "%s is a card's number, which another card may have after the next start: linetap cards tells names",
                settings.device,
            )
        return [WorkerPlan(0, tuple(_line(line, settings) for line in settings.card_lines))]

    def __init__(self, options: Any, plan: WorkerPlan) -> None:
        self._options: Options = options
        self._plan = plan
        self._lock = threading.Lock()  # of the lines: the card's thread and the verbs exclude each other
        self._lines: dict[str, CardLine] = {}
        self._feed: Feed | None = None
        self._card: Card | None = None
        self._meter: Meter | None = None
        self._stop_s = _STOP_S

    def open(self, host: Host) -> None:
        """See :meth:`drivers.contract.Tap.open`. A card that is not there is waited for."""
        options = self._options
        card = Card(options.device, options.backend, options.card_rate_hz, options.full_scale_dbm0, host)
        meter = Meter([len(line.inputs) for line in options.card_lines], options.rate_hz, _rules(options))
        converter = rate(options.card_rate_hz, options.rate_hz, options.channels, options.resampler)
        self._card, self._meter = card, meter
        self._stop_s = _STOP_S + converter.most_held_s
        self._lines = {line.name: _card_line(card, line, options) for line in options.card_lines}
        self._feed = Feed(
            card,
            opener(options),
            Inputs(options.card_lines, options.rate_hz, converter),
            list(self._lines.values()),
            meter,
            lock=self._lock,
            pace=Pace(options.period_ms / 1000, options.stall_s, _AGAIN_S[options.backend]),
            rate_hz=options.rate_hz,
        )
        self._feed.open()

    def lines(self) -> Sequence[Line]:
        """Lines of the card."""
        return self._plan.lines

    def start(self, line: str, sink: SessionSink) -> None:
        """Begin a session at this moment; while the card is away it is a gap."""
        found = self._line(line)
        with self._lock:
            found.start(sink, time.monotonic())

    def stop(self, line: str) -> None:
        """End the session at this moment; waits for its last frames: 80 ms, and what the resampler holds back."""
        found = self._line(line)
        with self._lock:
            session = found.stop(time.monotonic())
        if self._feed is not None:
            self._feed.wake()
        if not session.done.wait(self._stop_s):
            with self._lock:
                session.cut()

    def hang_up(self, line: str, reason: str) -> None:
        """End the call of a line that records always or by voice. Raises LineUnknownError, LineIdleError."""
        found = self._line(line)
        with self._lock:
            found.hang_up(time.monotonic(), reason)

    def poll(self) -> None:
        """Check the thread. The first time tells that the worker serves: calls may begin from now on."""
        if self._feed is not None:
            self._feed.check()
            self._feed.serving = True

    def meter(self) -> TapMeter | None:
        """Tell the levels of each line, who is silent, and how the card does."""
        if self._feed is None or self._card is None or self._meter is None:
            return None
        card = self._card
        with self._lock:
            now_s = time.monotonic()
            readings = zip(self._lines.values(), self._meter.read(now_s), strict=True)
            full_scale_dbm0 = self._options.full_scale_dbm0
            return TapMeter(
                present=self._feed.present,
                overruns=card.overruns,
                reopened=max(0, card.openings - 1),
                drift_ppm=round(card.drift_ppm, 2) if card.drift_ppm is not None else None,
                lines=tuple([_line_meter(line, reading, now_s, full_scale_dbm0) for line, reading in readings]),
            )

    def close(self) -> None:
        """End every session with the frames that are there, and let the card go."""
        if self._feed is not None:
            self._feed.close()
        with self._lock:
            for line in self._lines.values():
                line.close(time.monotonic(), "tap closed")

    def _line(self, line: str) -> CardLine:
        if line not in self._lines:
            raise LineUnknownError(f"no line {line!r}")
        return self._lines[line]


def _line(line: LineOptions, options: Options) -> Line:
    return Line(line.name, len(line.inputs), options.rate_hz, calls_arrive=line.start != "scheduler")


def _line_meter(line: CardLine, reading: Reading, now_s: float, full_scale_dbm0: float | None) -> LineMeter:
    """Put together what is told of a line once a second."""
    level_dbfs, peak_dbfs, voice, quiet_s = reading
    level_dbm0 = tuple(round(dbfs + full_scale_dbm0, 1) for dbfs in level_dbfs) if full_scale_dbm0 is not None else ()
    session = line.session
    if session is None:
        return LineMeter(line.line.name, level_dbfs, peak_dbfs, level_dbm0, voice)
    quiet_s = min(quiet_s, now_s - session.begin_s)
    return LineMeter(line.line.name, level_dbfs, peak_dbfs, level_dbm0, voice, session.name, quiet_s)


def _card_line(card: Card, line: LineOptions, options: Options) -> CardLine:
    ears = None
    if line.start == "vox":
        ears = Ears(_rules(options), options.vox_preroll_s, options.rate_hz)
    return CardLine(
        card,
        _line(line, options),
        device=line.device,
        ears=ears,
        always_cut_s=options.always_cut_s if line.start == "always" else None,
        gone_s=options.vox_hang_s,
    )


def _rules(options: Options) -> VoxRules:
    return VoxRules(
        onset_db=float(options.vox_onset_db),  # a default may be an int, which compares slowly with floats
        hysteresis_db=float(options.vox_hysteresis_db),
        hang_s=options.vox_hang_s,
        never_below_dbfs=float(options.vox_never_below_dbfs),
        always_above_dbfs=float(options.vox_always_above_dbfs),
    )
