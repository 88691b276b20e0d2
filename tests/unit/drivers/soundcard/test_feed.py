"""The card's thread, with a card in the test's hand: pulled, back, standing still, overrun, absent, unwilling."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from drivers.contract import LineFault, LossReason, TapFailedError, TapMeter, TapOptionsError
from drivers.taps.soundcard import Options
from drivers.taps.soundcard import Tap as SoundcardTap
from drivers.taps.soundcard import _tap as tap_module
from drivers.taps.soundcard._portion import Pcm
from drivers.taps.soundcard._stream import (
    Block,
    CardAbsentError,
    CardBusyError,
    CardRefusesError,
    Stream,
    StreamLostError,
    Wake,
)
from tests.unit.drivers.soundcard.card import CardHost, CardSink

RATE_HZ = 8000


class HandCard:
    """Frame n of the card's clock, captured n / 8000 s after it was made, has the sample n mod 30000."""

    def __init__(self) -> None:
        self.begun_s = time.monotonic()
        self.plugged = True
        self.taken = False  # by another program, as soon as it is let go
        self.unwilling = False
        self.standing = False
        self.full_since: int | None = None
        self.broken = False
        self.grain = 1  # frames show up in portions of so many
        self.tick_s = 0.02
        self.open = 0

    def frame(self) -> int:
        return int((time.monotonic() - self.begun_s) * RATE_HZ)

    def stream(self, wake: Wake) -> Stream:
        if not self.plugged:
            raise CardAbsentError("no such device")
        if self.taken:
            raise CardBusyError("hw:CARD=HAND cannot be opened: Device or resource busy")
        if self.unwilling:
            raise CardRefusesError("gives rate 44100, not 8000")
        return HandStream(self, wake)


class HandStream:
    def __init__(self, card: HandCard, wake: Wake) -> None:
        self._card = card
        self._next = card.frame()
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, args=(wake,), name="hand")
        self._ticker.start()
        card.open += 1

    def _tick(self, wake: Wake) -> None:
        while not self._over.wait(self._card.tick_s):
            wake.set()

    def descriptors(self) -> Sequence[tuple[int, int]]:
        return []

    def read(self) -> Block | None:
        card = self._card
        if card.broken:
            raise ZeroDivisionError("a fault of the driver")
        if not card.plugged:
            raise StreamLostError("the device is gone")
        overrun, card.full_since = card.full_since, None
        read_s = time.monotonic()
        until = int((read_s - card.begun_s) * RATE_HZ) // card.grain * card.grain
        if overrun is not None:
            self._next = until - 80
        if card.standing or until <= self._next:
            return None
        numbers, self._next = np.arange(self._next, until), until
        return Block([(numbers % 30000).astype(np.int16)[:, None]], read_s, overrun is not None)

    def close(self) -> None:
        self._over.set()
        self._ticker.join()
        self._card.open -= 1


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> HandCard:
    made = HandCard()
    monkeypatch.setattr(tap_module, "opener", lambda _: made.stream)
    monkeypatch.setitem(tap_module._AGAIN_S, "alsa", 0.05)
    return made


@pytest.fixture
def host() -> CardHost:
    return CardHost()


@pytest.fixture
def tap(card: HandCard) -> Iterator[SoundcardTap]:
    options = Options.model_validate(
        {
            "name": "t",
            "kind": "soundcard",
            "backend": "alsa",
            "device": "hw:CARD=HAND",
            "channels": 1,
            "card_rate_hz": RATE_HZ,
            "lines": [{"name": "1", "inputs": [1], "dc_removal": False}],
            "stall_s": 0.5,
            "period_ms": 200,
        }
    )
    made = SoundcardTap(options, SoundcardTap.plan(options)[0])
    yield made
    made.close()
    assert card.open == 0


def until(true: Callable[[], object]) -> None:
    end_s = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def faults(host: CardHost) -> list[str]:
    return [event.text for event in host.events if isinstance(event, LineFault)]


def check_timeline(card: HandCard, sink: CardSink, begin: int) -> Pcm:
    """Every sample stands at the moment at which the card's clock had it, also behind gaps."""
    timeline = sink.legs[0].timeline()
    wanted = (begin + np.arange(len(timeline))) % 30000
    captured = np.ones(len(timeline), bool)
    for at, frames, _ in sink.legs[0].losses:
        captured[at : at + frames] = False
    strays = (timeline.astype(int) - wanted)[captured]
    assert np.abs((strays + 15000) % 30000 - 15000).max() <= 0.03 * RATE_HZ
    return captured


def test_a_pulled_card_is_a_gap_and_resumes_by_itself(tap: SoundcardTap, card: HandCard, host: CardHost) -> None:
    tap.open(host)
    sink = CardSink("s")
    begin = card.frame()
    tap.start("1", sink)
    until(lambda: len(sink.legs[0].pcm) > 800)
    card.plugged = False
    time.sleep(1.2)
    card.plugged = True
    until(lambda: sink.legs[0].losses)
    before = len(sink.legs[0].pcm)
    until(lambda: len(sink.legs[0].pcm) > before + 800)
    tap.stop("1")
    captured = check_timeline(card, sink, begin)
    lost = np.flatnonzero(~captured)
    assert len(lost) == lost[-1] - lost[0] + 1, "more than one gap"
    assert len(lost) / RATE_HZ == pytest.approx(1.25, abs=0.12)
    assert {reason for _, _, reason in sink.legs[0].losses} == {LossReason.UNPLUGGED}
    assert sink.facts["reopened"] == 1
    assert faults(host) == ["hw:CARD=HAND: the device is gone"] or len(faults(host)) == 2
    tap.poll()


def test_what_is_measured_can_be_seen_while_it_goes_on(tap: SoundcardTap, card: HandCard, host: CardHost) -> None:
    tap.open(host)
    until(lambda: _meter(tap).lines[0].level_dbfs)
    idle = _meter(tap)
    assert (idle.present, idle.overruns, idle.reopened, idle.lines[0].session) == (True, 0, 0, "")
    assert idle.lines[0].quiet_s is None
    assert -90 < idle.lines[0].level_dbfs[0] < 3
    tap.start("1", CardSink("s"))
    assert _meter(tap).lines[0].session == "s"
    assert (_meter(tap).lines[0].quiet_s or 0) < 1
    card.plugged = False
    until(lambda: not _meter(tap).present)
    assert _meter(tap).lines[0].level_dbfs == ()
    card.plugged = True
    until(lambda: _meter(tap).reopened == 1)


def _meter(tap: SoundcardTap) -> TapMeter:
    meter = tap.meter()
    assert meter is not None
    return meter


def test_a_card_that_stands_still_is_opened_again(tap: SoundcardTap, card: HandCard, host: CardHost) -> None:
    tap.open(host)
    sink = CardSink("s")
    begin = card.frame()
    tap.start("1", sink)
    until(lambda: len(sink.legs[0].pcm) > 800)
    card.full_since = 0
    until(lambda: card.full_since is None)
    card.standing = True
    until(lambda: sum(frames for _, frames, _ in sink.legs[0].losses) > 800)
    card.standing = False
    before = len(sink.legs[0].pcm)
    until(lambda: len(sink.legs[0].pcm) > before + 800)
    tap.stop("1")
    captured = check_timeline(card, sink, begin)
    assert sink.legs[0].losses[-1][2] is LossReason.STALLED
    assert np.count_nonzero(~captured) > 0.4 * RATE_HZ
    assert faults(host) == ["hw:CARD=HAND: no frame for 0.5 s"]


def test_a_stalled_card_that_another_program_took_is_busy_and_not_unplugged(
    tap: SoundcardTap, card: HandCard, host: CardHost
) -> None:
    tap.open(host)
    sink = CardSink("s")
    begin = card.frame()
    tap.start("1", sink)
    until(lambda: len(sink.legs[0].pcm) > 800)
    card.taken = card.standing = True
    until(lambda: sink.legs[0].losses and sink.legs[0].losses[-1][2] is LossReason.BUSY)
    time.sleep(0.2)
    card.taken = card.standing = False
    before = len(sink.legs[0].pcm)
    until(lambda: len(sink.legs[0].pcm) > before + 800)
    tap.stop("1")
    check_timeline(card, sink, begin)
    reasons = [reason for _, _, reason in sink.legs[0].losses]
    assert (reasons[0], set(reasons[1:])) == (LossReason.STALLED, {LossReason.BUSY})
    assert faults(host)[-1] == "hw:CARD=HAND cannot be opened: Device or resource busy"


def test_a_card_that_another_program_has_from_the_begin_on_is_busy(
    tap: SoundcardTap, card: HandCard, host: CardHost
) -> None:
    card.taken = True
    tap.open(host)
    sink = CardSink("s")
    tap.start("1", sink)
    until(lambda: sink.legs[0].losses)
    card.taken = False
    until(lambda: len(sink.legs[0].pcm) > 800)
    tap.stop("1")
    assert {reason for _, _, reason in sink.legs[0].losses} == {LossReason.BUSY}


def test_an_overrun_is_counted_and_what_it_cost_is_a_gap(tap: SoundcardTap, card: HandCard, host: CardHost) -> None:
    tap.open(host)
    sink = CardSink("s")
    begin = card.frame()
    tap.start("1", sink)
    until(lambda: len(sink.legs[0].pcm) > 800)
    card.standing = True
    time.sleep(0.3)
    card.full_since, card.standing = 0, False
    until(lambda: sink.legs[0].losses)
    tap.stop("1")
    check_timeline(card, sink, begin)
    assert {reason for _, _, reason in sink.legs[0].losses} == {LossReason.OVERFLOW}
    assert sink.facts["overruns"] == 1
    assert sink.facts["dropped_frames"] == sum(frames for _, frames, _ in sink.legs[0].losses)


def test_an_absent_card_is_waited_for(tap: SoundcardTap, card: HandCard, host: CardHost) -> None:
    card.plugged = False
    tap.open(host)
    sink = CardSink("s")
    begin = card.frame()
    tap.start("1", sink)
    time.sleep(0.3)
    assert faults(host) == ["no such device"]
    card.plugged = True
    until(lambda: len(sink.legs[0].pcm) > 800)
    tap.stop("1")
    check_timeline(card, sink, begin)
    assert sink.legs[0].losses[0][0] == 0


def test_stop_gives_all_up_to_its_moment(tap: SoundcardTap, card: HandCard, host: CardHost) -> None:
    card.grain, card.tick_s = 400, 0.5
    tap.open(host)
    short_s = []
    for _ in range(5):
        sink = CardSink("s")
        begun_s = time.monotonic()
        tap.start("1", sink)
        time.sleep(0.11)
        ended_s = time.monotonic()
        tap.stop("1")
        assert sink.closed == "stopped"
        short_s.append(ended_s - begun_s - sink.legs[0].frames / RATE_HZ)
    assert max(short_s) < 0.06
    assert sorted(short_s)[2] < 0.005, "hardly one was whole"  # a busy machine may be late now and then


def test_a_card_that_does_not_give_what_is_set_is_told_at_once(card: HandCard, tap: SoundcardTap) -> None:
    card.unwilling = True
    with pytest.raises(TapOptionsError, match="44100"):
        tap.open(CardHost())


def test_a_thread_that_died_fails_the_tap(
    card: HandCard, tap: SoundcardTap, host: CardHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda told: seen.append(told.exc_type))
    tap.open(host)
    tap.poll()
    card.broken = True
    until(lambda: seen)
    with pytest.raises(TapFailedError):
        until(tap.poll)
    assert seen == [ZeroDivisionError]
