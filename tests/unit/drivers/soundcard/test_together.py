"""All lines of a card are worked on at once: each gives to the bit what it gives as the only line of the card."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.contract import Line, LossReason
from drivers.taps.soundcard._ears import Ears
from drivers.taps.soundcard._feed import Feed, Pace
from drivers.taps.soundcard._inputs import Inputs
from drivers.taps.soundcard._line import CardLine
from drivers.taps.soundcard._meter import Meter, Reading
from drivers.taps.soundcard._options import LineOptions
from drivers.taps.soundcard._session import Card
from drivers.taps.soundcard._stream import Block, CardAbsentError, Stream, Wake
from drivers.taps.soundcard._vox import VoxRules
from tests.unit.drivers.soundcard.card import CardHost, CardSink, Pcm

RATE_HZ = 8000
CHANNELS = 5
RULES = VoxRules(hang_s=0.3)
GAINS_DB = (0.0, 0.0, 0.0, 6.0, -3.5)


@dataclasses.dataclass
class Turn:
    """A block, after an overrun perhaps, and the lines that are started and stopped behind it."""

    frames: int
    overrun: bool
    switched: frozenset[int]


@dataclasses.dataclass
class Given:
    """What a line gave: its audio and proof session by session, its events, its meter after each block."""

    audio: list[bytes]
    losses: list[object]
    facts: list[object]
    events: list[str]
    readings: list[Reading]


def lines() -> st.SearchStrategy[list[LineOptions]]:
    line = st.builds(
        LineOptions,
        name=st.just("x"),
        inputs=st.lists(st.integers(1, CHANNELS), min_size=1, max_size=2, unique=True).map(tuple),
        start=st.sampled_from(["scheduler", "scheduler", "always", "vox"]),
        gain_db=st.sampled_from(GAINS_DB),
        dc_removal=st.booleans(),
    )
    return st.lists(line, min_size=1, max_size=6)


turns = st.lists(
    st.builds(
        Turn,
        frames=st.integers(1, 5000),
        overrun=st.sampled_from([False] * 9 + [True]),
        switched=st.frozensets(st.integers(0, 5), max_size=3),
    ),
    min_size=1,
    max_size=12,
)


def sound(frames: int, seed: int) -> Pcm:
    """Noise that is loud at times, with a constant part; some of it at the edge of what there is."""
    random = np.random.default_rng(seed)
    loud = np.repeat(random.choice([2, 3, 60, 9000], (frames // 1200 + 1, CHANNELS)), 1200, axis=0)[:frames]
    constant = random.choice([0, 5, -400, 31000], CHANNELS)
    pcm: Pcm = np.clip(random.normal(0, 1, (frames, CHANNELS)) * loud + constant, -32768, 32767).astype(np.int16)
    return pcm


def absent(wake: Wake) -> Stream:
    raise CardAbsentError("it is fed by hand")


def play(chosen: Sequence[tuple[int, LineOptions]], pcm: Pcm, done: Sequence[Turn]) -> list[Given]:
    """Let a card with these lines capture the blocks; lines keep their numbers, by which they are switched."""
    host = CardHost()
    card = Card("hw:CARD=TEST", "alsa", RATE_HZ, None, host)
    card_lines = [
        CardLine(
            card,
            Line(str(number), len(line.inputs), RATE_HZ),
            ears=Ears(RULES, 0.2, RATE_HZ) if line.start == "vox" else None,
            always_cut_s=0.7 if line.start == "always" else None,
        )
        for number, line in chosen
    ]
    options = [line for _, line in chosen]
    meter = Meter([len(line.inputs) for line in options], RATE_HZ, RULES)
    feed = Feed(
        card,
        absent,
        Inputs(options, RATE_HZ),
        card_lines,
        meter,
        lock=threading.Lock(),
        pace=Pace(0.5, 1, 1),
        rate_hz=RATE_HZ,
    )
    feed.serving = True
    readings: list[list[Reading]] = []
    at, now_s = 0, 100.0
    for turn in done:
        block = pcm[at : at + turn.frames]
        block.flags.writeable = False  # as what a card gives
        at, now_s = at + turn.frames, now_s + turn.frames / RATE_HZ
        feed._take(Block([block], now_s, turn.overrun))
        for (number, _), line in zip(chosen, card_lines, strict=True):
            if number in turn.switched:
                switch(line, host, now_s - 0.01)
        readings.append(list(meter.read(now_s)))
    for line in card_lines:
        line.miss(now_s, LossReason.UNPLUGGED)
        line.close(now_s, "over")
    feed.close()
    return [given_by(host, line.line.name, [all_read[n] for all_read in readings]) for n, line in enumerate(card_lines)]


def switch(line: CardLine, host: CardHost, now_s: float) -> None:
    if line.session is not None:
        line.stop(now_s)
    else:
        sink = host.session(line.line.name)
        line.start(sink, now_s)


def given_by(host: CardHost, name: str, readings: list[Reading]) -> Given:
    sinks: list[CardSink] = [sink for sink in host.sinks if sink.session.startswith(f"{name}-")]
    legs = [leg for sink in sinks for leg in sink.legs.values()]
    return Given(
        [leg.pcm.tobytes() for leg in legs],
        [leg.losses for leg in legs],
        [sink.facts for sink in sinks],
        [event.event for event in host.events if event.line == name],  # type: ignore[attr-defined]
        readings,
    )


@settings(max_examples=60, deadline=None)
@given(lines(), turns, st.integers(0, 1000))
def test_a_line_gives_what_it_gives_alone(chosen: list[LineOptions], done: list[Turn], seed: int) -> None:
    pcm = sound(sum(turn.frames for turn in done), seed)
    numbered = list(enumerate(chosen))
    together = play(numbered, pcm, done)
    alone = [play([line], pcm, done)[0] for line in numbered]
    assert together == alone
