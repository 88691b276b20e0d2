"""A whole box on the kernel's own cards: what its files hold after a card was pulled, stalled, or heard speech."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from appliance.audio.measure import make_tone
from hil import card_stall, loop_cards
from hil.child_box import ChildBox
from tests.e2e.conftest import HOLDBACK_S
from tests.e2e.desk import Desk, check_record

pytestmark = [pytest.mark.rig("sound-loop"), pytest.mark.timeout(600)]

RATE_HZ = 8000
AWAY_S = 5
STALL_S = 5.0
HANG_S = 2.0
PREROLL_S = 0.4
RISE_S = 18
LINES = range(1, loop_cards.CHANNELS + 1)


def tap(card: int, lines: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """Give a card whose line n is for the device 7<card><n>, where nothing else is said."""
    name = f"L{card}"
    return {
        "name": name,
        "kind": "soundcard",
        "device": loop_cards.capture_side(name),
        "channels": loop_cards.CHANNELS,
        "card_rate_hz": RATE_HZ,
        "lines": lines or [{"name": str(n), "inputs": [n]} for n in LINES],
        "assign": {} if lines else {str(n): f"device:7{card}{n}" for n in LINES},
        **more,
    }


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A box with a card for each test, so that one start serves all."""
    vox = [
        {"name": "voice", "inputs": [1], "start": "vox", "device": "7901"},
        {"name": "noise", "inputs": [2], "start": "vox", "device": "7902"},
    ]
    taps = [tap(0), tap(1), tap(2, stall_s=STALL_S), tap(3, vox, vox_hang_s=HANG_S, vox_preroll_s=PREROLL_S)]
    sections = {"recording": {"holdback_s": HOLDBACK_S, "reserve_mb": 10}}
    box = ChildBox(tmp_path_factory.mktemp("box"), taps=taps, sections=sections, start_s=120)
    try:
        box.start()
        with Desk(box) as at:
            yield at
        assert box.stop(60) == 0
        box.check_nothing_left()
    finally:
        box.destroy()


def stop_all(desk: Desk, devices: list[str]) -> list[Path]:
    return [desk.stop(device) for device in devices]


def check_tone(pcm: npt.NDArray[np.int16], frequency_hz: float) -> None:
    """Check that what is heard is the tone, whole from its begin to the end."""
    first = int(np.flatnonzero(np.abs(pcm) > 2000)[0])
    heard = loop_cards.hear_tone(pcm[first + RATE_HZ // 5 :], RATE_HZ)
    assert heard.frames > 2 * RATE_HZ
    assert heard.frequency_hz == pytest.approx(frequency_hz, abs=0.5)
    assert heard.level_dbfs == pytest.approx(loop_cards.LEVEL_DBFS, abs=0.1)
    assert heard.broken_frames == 0


def span_of(gaps: list[dict[str, Any]]) -> tuple[float, float]:
    """Begin and end of gaps that follow each other without a frame between them."""
    for before, after in itertools.pairwise(gaps):
        assert after["at_s"] == pytest.approx(before["at_s"] + before["length_s"], abs=0.002)
    return gaps[0]["at_s"], gaps[-1]["at_s"] + gaps[-1]["length_s"]


def test_a_card_pulled_in_8_calls_is_one_gap_in_each_file(desk: Desk, tmp_path: Path) -> None:
    devices, tones = [f"70{n}" for n in LINES], loop_cards.tones_of(0)
    with contextlib.ExitStack() as stack:
        stack.enter_context(loop_cards.playing_tones(tmp_path, "L1", loop_cards.tones_of(1), RATE_HZ))
        stack.enter_context(loop_cards.playing_tones(tmp_path, "L0", tones, RATE_HZ))
        for device in ["711", *devices]:
            desk.start(device)
        time.sleep(4)
        loop_cards.plug(0, there=False)
        begun_s = time.monotonic()
        time.sleep(AWAY_S)
        loop_cards.plug(0, there=True)
        away_s = time.monotonic() - begun_s
        time.sleep(1.5)
        stack.enter_context(loop_cards.playing_tones(tmp_path, "L0", tones, RATE_HZ))
        time.sleep(4)
        files, (other,) = stop_all(desk, devices), stop_all(desk, ["711"])
    assert len(set(files)) == len(LINES)
    for path, frequency_hz in zip(files, tones, strict=True):
        record = check_record(path)
        (gap,) = record["gaps"]
        assert gap["reason"] == "unplugged"
        assert away_s - 0.3 < gap["length_s"] < away_s + 1.2  # it is looked for twice a second
        assert record["measured"]["reopened"] == 1
        assert record["measured"]["dropped_frames"] == pytest.approx(gap["length_s"] * RATE_HZ, abs=8)
        began, ended = (dt.datetime.fromisoformat(record[key]) for key in ("started_at", "stopped_at"))
        assert record["duration_s"] == pytest.approx((ended - began).total_seconds(), abs=0.2)
        pcm, _ = soundfile.read(path, dtype="int16")
        begin, end = (round(at * RATE_HZ) for at in span_of([gap]))
        assert np.abs(pcm[begin + 8 : end - 8]).max() < 16
        check_tone(pcm[RATE_HZ // 2 : begin - 8], frequency_hz)
        check_tone(pcm[end:], frequency_hz)
    assert check_record(other)["gaps"] == []
    check_tone(soundfile.read(other, dtype="int16")[0], loop_cards.tones_of(1)[0])


def wait_for_state(state: str, timeout_s: float) -> float:
    """Wait until the stream of card L2 is in a state; gives the moment."""
    deadline_s = time.monotonic() + timeout_s
    while card_stall.state("L2") != state:
        assert time.monotonic() < deadline_s, card_stall.state("L2")
        time.sleep(0.01)
    return time.monotonic()


def test_a_card_that_stalls_in_8_calls_is_one_gap_in_each_file(desk: Desk, tmp_path: Path) -> None:
    devices, tones = [f"72{n}" for n in LINES], loop_cards.tones_of(2)
    with contextlib.ExitStack() as stack:
        stack.enter_context(loop_cards.playing_tones(tmp_path, "L1", loop_cards.tones_of(1), RATE_HZ))
        stack.enter_context(loop_cards.playing_tones(tmp_path, "L2", tones, RATE_HZ))
        for device in ["711", *devices]:
            desk.start(device)
        time.sleep(4)
        card_stall.stall("L2")
        begun_s = wait_for_state("PAUSED", 1)
        away_s = wait_for_state("RUNNING", 2 * STALL_S) - begun_s  # the box opened the card again by itself
        time.sleep(4)
        files, (other,) = stop_all(desk, devices), stop_all(desk, ["711"])
    assert away_s == pytest.approx(STALL_S, abs=1)  # by the age of its last frame, which is read twice a second
    for path, frequency_hz in zip(files, tones, strict=True):
        record = check_record(path)
        (gap,) = record["gaps"]
        assert gap["reason"] == "stalled"
        assert gap["length_s"] == pytest.approx(away_s, abs=0.15)
        measured = record["measured"]
        assert (measured["reopened"], measured["overruns"]) == (1, 0)
        assert measured["dropped_frames"] == pytest.approx(gap["length_s"] * RATE_HZ, abs=8)
        pcm, _ = soundfile.read(path, dtype="int16")
        begin, end = (round(at * RATE_HZ) for at in span_of([gap]))
        check_tone(pcm[RATE_HZ // 2 : begin - 8], frequency_hz)
        check_tone(pcm[end:], frequency_hz)
    assert check_record(other)["gaps"] == []
    check_tone(soundfile.read(other, dtype="int16")[0], loop_cards.tones_of(1)[0])


def test_a_silence_ends_a_recording_though_the_line_hums(desk: Desk, tmp_path: Path) -> None:
    """It hums at -32 dBFS, which is above ``silence_dbfs``."""
    hum = rising(make_tone(100, RATE_HZ, 90 * RATE_HZ, -32))
    with loop_cards.playing_round(tmp_path, "L1", np.tile(hum[:, None], (1, loop_cards.CHANNELS)), RATE_HZ):
        time.sleep(RISE_S + 3)
        count = desk.log.kinds_of("711").count("RECORDINGUPDATE") + 1
        desk.start("711", MAXRECORDSILENCE=15)
        path = desk.saved("711", count=count, timeout_s=60)
        desk.send("CALLSTOP", DEVICEID="711")
    record = check_record(path)
    assert "MAXRECORDSILENCE" in record["end_reason"]
    assert record["duration_s"] == pytest.approx(15, abs=3)


PAUSES_S = (3.0, 1.0, 5.0, 5.0, 1.2)  # before each word; more than HANG_S begins another recording
RECORDINGS = ((0, 1), (2, 2), (3, 4))  # first and last word of each


def test_speech_makes_the_recordings_of_its_script_and_noise_none(desk: Desk, tmp_path: Path) -> None:
    words, spans = speech(PAUSES_S)
    noise = np.random.default_rng(3).normal(0, 300, RISE_S * RATE_HZ + len(words))
    played = np.zeros((len(noise), loop_cards.CHANNELS), np.int16)
    played[-len(words) :, 0], played[:, 1] = words, rising(np.rint(noise).astype(np.int16))
    with loop_cards.playing_round(tmp_path, "L3", played, RATE_HZ):
        files = [desk.saved("7901", count=n, timeout_s=120) for n in (1, 2, 3)]
    for path, (first, last) in zip(files, RECORDINGS, strict=True):
        begin_s, end_s = spans[first][0], spans[last][1]
        pcm, _ = soundfile.read(path, dtype="int16")
        longer_s = len(pcm) / RATE_HZ - (PREROLL_S + end_s - begin_s + HANG_S)
        assert -0.3 < longer_s < 0.8  # the end is seen when the card is read
        weak = words[round(begin_s * RATE_HZ) :][: round(0.08 * RATE_HZ)]  # begin of the first syllable
        at_s, likeness = place_of(weak, pcm[:RATE_HZ])
        assert at_s == pytest.approx(PREROLL_S, abs=0.1)
        assert likeness > 0.9
        assert check_record(path)["gaps"] == []
    assert desk.log.of("7902") == []


def rising(pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Let a noise come up by 4 dB a second, slower than the line's noise is followed: none of it is voice."""
    gain = np.minimum(1, 10 ** ((np.arange(len(pcm)) / RATE_HZ - RISE_S) * 4 / 20))
    louder: npt.NDArray[np.int16] = np.rint(pcm * gain).astype(np.int16)
    return louder


def place_of(part: npt.NDArray[np.int16], whole: npt.NDArray[np.int16]) -> tuple[float, float]:
    """Find where a part lies, in s, and how like it is what is there."""
    windows = np.lib.stride_tricks.sliding_window_view(whole.astype(np.float32), len(part))
    alike = windows @ part.astype(np.float32) / (np.linalg.norm(windows, axis=1) * np.linalg.norm(part) + 1)
    return int(alike.argmax()) / RATE_HZ, float(alike.max())


def speech(pauses_s: Sequence[float]) -> tuple[npt.NDArray[np.int16], list[tuple[float, float]]]:
    """Words of voiced syllables, each with a weak begin, over a line's noise; gives where they are, in s."""
    rng = np.random.default_rng(7)
    parts: list[npt.NDArray[np.float64]] = []
    spans, at_s = [], 0.0
    for pause_s in pauses_s:
        parts.append(np.zeros(round(pause_s * RATE_HZ)))
        at_s += pause_s
        word = np.concatenate([syllable(rng) for _ in range(5)])
        spans.append((at_s, at_s + len(word) / RATE_HZ))
        at_s += len(word) / RATE_HZ
        parts.append(word)
    parts.append(np.zeros(round(6 * RATE_HZ)))
    pcm = np.concatenate(parts)
    return np.clip(np.rint(pcm + rng.normal(0, 12, len(pcm))), -32768, 32767).astype(np.int16), spans


def syllable(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A weak fricative of 80 ms, then a vowel: harmonics of a falling voice under three formants."""
    fricative = rng.normal(0, 250, round(0.08 * RATE_HZ))
    t = np.arange(round(0.18 * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * (120 * t - 40 * t**2)
    vowel = np.sum([np.sin(k * phase) * weight(k * 120) for k in range(1, 25)], axis=0)
    vowel *= 9000 / np.abs(vowel).max() * np.sin(np.pi * t / t[-1]) ** 0.5
    return np.concatenate([fricative, vowel, np.zeros(round(0.06 * RATE_HZ))])


def weight(frequency_hz: float) -> float:
    return float(sum(np.exp(-(((frequency_hz - formant) / 150) ** 2)) for formant in (500, 1500, 2500))) + 0.02
