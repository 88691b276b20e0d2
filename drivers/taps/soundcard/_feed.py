"""The card's thread: reads its stream, hands the frames to the lines, and opens it again when it is lost."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import select
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, final

from drivers.contract import LineFault, LossReason, TapFailedError, TapOptionsError
from drivers.taps.soundcard._inputs import Inputs
from drivers.taps.soundcard._line import CardLine
from drivers.taps.soundcard._meter import Meter
from drivers.taps.soundcard._portion import Portion
from drivers.taps.soundcard._run import Run
from drivers.taps.soundcard._session import Card
from drivers.taps.soundcard._stream import (
    Block,
    CardAbsentError,
    CardBusyError,
    CardRefusesError,
    Stream,
    StreamError,
    StreamLostError,
    Wake,
)

logger = logging.getLogger(__name__)

OpenStream = Callable[[Wake], Stream]

_FIRST_FRAME_S: Final = 3.0  # a sound server takes its time
_HELD_S: Final = 0.5
_TURN_S: Final = 0.25
_ENDING_TURN_S: Final = 0.005  # a session waits for its last frames: no need to wait for a whole period
_JOIN_S: Final = 3.0


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Pace:
    """How often a card is ready to be read, how long it may give nothing, how often an absent one is looked for."""

    period_s: float
    stall_s: float
    again_s: float


@final
class Feed:
    """One card, from :meth:`open` to :meth:`close`.

    Parameters
    ----------
    lines
        In the order of the rows that ``inputs`` makes.
    meter
        Measures the same rows.
    lock
        Of the lines and the meter; held while frames are handed out.
    rate_hz
        Of the rows.
    """

    def __init__(
        self,
        card: Card,
        open_stream: OpenStream,
        inputs: Inputs,
        lines: Sequence[CardLine],
        meter: Meter,
        *,
        lock: threading.Lock,
        pace: Pace,
        rate_hz: int,
    ) -> None:
        self.serving = False
        self._card = card
        self._rate_hz = rate_hz
        self._open_stream = open_stream
        self._inputs = inputs
        self._lines = lines
        self._rows = list(zip(lines, itertools.accumulate((line.line.legs for line in lines), initial=0), strict=False))
        self._meter = meter
        self._lock = lock
        # Rather longer than a period: a turn that reads half of one costs as much as one that reads all of it.
        self._turn_s = max(_TURN_S, 1.25 * pace.period_s)
        self._stall_s = pace.stall_s
        self._again_s = pace.again_s
        self._wake = Wake()
        self._poll = select.poll()
        self._poll.register(self._wake.descriptor, select.POLLIN)
        self._registered: list[int] = []
        self._stream: Stream | None = None
        self._run: Run | None = None
        self._last_frame_s = 0.0  # or, before the first one, the moment until which it may take
        self._reason = LossReason.UNPLUGGED
        self._fault = ""
        self._flows = threading.Event()  # the first frame came
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"card {card.device}", daemon=True)

    # --- the tap's main thread ------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the card and wait for its first frame; one that is not there, or gives none, is waited for later.

        Raises TapOptionsError for a card that does not give what is set.
        """
        try:
            self._connect()
            self._reason = LossReason.STALLED
        except CardRefusesError as error:
            raise TapOptionsError(str(error)) from error
        except CardAbsentError as error:
            self._reason = _reason(error)
            self._tell(str(error))
        self._thread.start()
        if self._stream is not None:
            self._flows.wait(_FIRST_FRAME_S)

    def wake(self) -> None:
        """Let the thread look at once what there is to do; from any thread."""
        self._wake.set()

    def check(self) -> None:
        """Raise :class:`TapFailedError` when the thread has died; its fault stands in the log."""
        if self._thread.ident is not None and not self._thread.is_alive():
            raise TapFailedError("the card's thread ended")

    @property
    def present(self) -> bool:
        """Whether the card gives frames."""
        return self._run is not None

    def close(self) -> None:
        """End the thread and let the card go."""
        self._ending.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)
            if self._thread.is_alive():
                logger.error("the card's thread hangs in the library and is left behind")
                return
        self._wake.close()

    # --- the card's thread ----------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while not self._ending.is_set():
                if self._stream is None:
                    self._look_for_card()
                else:
                    self._turn(self._stream)
            if self._stream is not None:
                self._read(self._stream)  # what came until the end
        finally:
            self._disconnect()

    def _turn(self, stream: Stream) -> None:
        wait_s = _ENDING_TURN_S if any(line.ending for line in self._lines) else self._turn_s
        if any(descriptor == self._wake.descriptor for descriptor, _ in self._poll.poll(wait_s * 1000)):
            self._wake.clear()
        if self._read(stream):
            return
        now_s = time.monotonic()
        if self._run is None:  # just opened: what it holds already is not missing
            with self._lock:
                self._miss(now_s - _HELD_S)
        if now_s - self._last_frame_s > self._stall_s:
            self._lose(LossReason.STALLED, f"no frame for {self._stall_s:g} s")

    def _read(self, stream: Stream) -> bool:
        """Read once; tells whether there was something, or the end of the stream."""
        try:
            block = stream.read()
        except StreamLostError as error:
            self._lose(LossReason.UNPLUGGED, str(error))
            return True
        if block is None:
            return False
        self._last_frame_s = max(self._last_frame_s, block.read_s)
        self._take(block)
        return True

    def _take(self, block: Block) -> None:
        if block.overrun:
            with self._lock:
                self._card.overruns += 1
                self._break_off()
            self._reason = LossReason.OVERFLOW
        frames = block.frames
        if not frames:
            return
        portion = self._inputs.take(*block.parts)
        with self._lock:
            begins = self._run is None
            run = self._run = self._run or Run(self._card.rate_hz, self._rate_hz)
            at_frame = run.frames
            run.take(frames, block.read_s, portion.frames)
            if begins:
                self._miss(run.first_s)
            self._card.drift_ppm = run.drift_ppm if run.drift_ppm is not None else self._card.drift_ppm
            self._meter.take(portion, block.read_s)
            self._hand_out(run, portion, at_frame)
        if begins:
            self._flows.set()
            if self._fault:
                self._fault = ""
                logger.warning("%s gives frames again", self._card.device)

    def _hand_out(self, run: Run, portion: Portion, at_frame: int) -> None:
        for line, row in self._rows:
            line.take(run, portion, at_frame, row=row, serving=self.serving)

    # --- a card that goes and comes -------------------------------------------------------------------------------

    def _lose(self, reason: LossReason, text: str) -> None:
        """Break the run off and open the card again; if it is not there any more it was pulled."""
        with self._lock:
            self._break_off()
        self._disconnect()
        self._tell(f"{self._card.device}: {text}")
        self._reason = reason
        try:
            self._connect()
        except CardBusyError as error:
            with self._lock:
                self._miss(time.monotonic())  # until now it was ours
            self._reason = LossReason.BUSY
            self._tell(str(error))
        except CardAbsentError as error:
            self._reason = LossReason.UNPLUGGED
            logger.debug("%s", error)
        except CardRefusesError as error:
            self._tell(str(error))

    def _look_for_card(self) -> None:
        with self._lock:
            self._miss(time.monotonic())
        if self._poll.poll(self._again_s * 1000):
            self._wake.clear()
        if self._ending.is_set():
            return
        try:
            self._connect()
        except CardAbsentError as error:
            self._reason = _reason(error)
            self._tell(str(error))
        except StreamError as error:
            self._tell(str(error))

    def _connect(self) -> None:
        stream = self._open_stream(self._wake)
        for descriptor, events in stream.descriptors():
            self._poll.register(descriptor, events)
            self._registered.append(descriptor)
        self._stream = stream
        self._card.openings += 1
        self._last_frame_s = time.monotonic() + max(0.0, _FIRST_FRAME_S - self._stall_s)

    def _disconnect(self) -> None:
        for descriptor in self._registered:
            self._poll.unregister(descriptor)
        self._registered.clear()
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _break_off(self) -> None:
        """End the run, if there is one; the lock is held."""
        run = self._run
        if run is None:
            return
        last, at_frame = self._inputs.flush(), run.frames
        if last.frames:
            run.frames += last.frames
            self._hand_out(run, last, at_frame)
        for line in self._lines:
            line.break_off(run.at_s(run.frames))
        self._meter.break_off()
        self._run = None

    def _miss(self, moment_s: float) -> None:
        for line in self._lines:
            line.miss(moment_s, self._reason)

    def _tell(self, text: str) -> None:
        """Tell a fault once, however often it is met until frames come again."""
        if text != self._fault:
            self._fault = text
            self._card.host.emit(LineFault(text=text))


def _reason(error: CardAbsentError) -> LossReason:
    return LossReason.BUSY if isinstance(error, CardBusyError) else LossReason.UNPLUGGED
