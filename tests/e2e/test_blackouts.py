"""BLACKOUTSTART and BLACKOUTSTOP, from the port to what is heard."""

from __future__ import annotations

import io
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from appliance.audio import measure
from hil.child_box import ChildBox
from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk, Legs, check_record, read_legs

RATE = 8000
HOLDBACK_S = 7
BEFORE_S = 7.0  # until BLACKOUTSTART, which reaches back 5 s
LONG_S = 2.0  # until BLACKOUTSTOP
AFTER_S = 2.0
QUIET = {"mp3": 4, "m4a": 4, "vox": 32}
"""Of 32767: what a codec makes of silence; VOX rests at its smallest step, -60 dBFS."""
SLACK = {"mp3": 1152, "m4a": 2048, "vox": 40}
"""Frames by which a codec may smear an edge: a window of its transform (AAC: of two blocks, so that the echo before a
loud block was measured to reach back 1,371 frames at some of its places); or the steps of ADPCM down to rest."""


@pytest.fixture(scope="module")
def patient_box(make_shared_box: Boxes) -> ChildBox:
    """A box that holds audio back for long enough."""
    return make_shared_box([{"name": "lines", "kind": "virtual"}], recording={"holdback_s": HOLDBACK_S})


@pytest.fixture
def patient_desk(patient_box: ChildBox) -> Iterator[Desk]:
    with Desk(patient_box) as at:
        yield at


def is_silent(legs: Legs) -> bool:
    return len(legs) > 0 and not legs.any()


def tone_hz(pcm: Legs) -> float:
    return measure.find_tone(pcm, RATE).frequency_hz


def quiet_span(leg: Legs, most: int) -> tuple[int, int]:
    """Give the first sample and the one after the last of the longest stretch that is never above ``most``."""
    loud = np.flatnonzero(np.abs(leg.astype(int)) > most)
    ends = np.concatenate(([-1], loud, [len(leg)]))
    longest = int(np.diff(ends).argmax())
    return int(ends[longest]) + 1, int(ends[longest + 1])


def has_tones(pcm: Legs, tones_hz: list[int]) -> bool:
    """Whether nearly all of the power lies at these tones."""
    power = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)))) ** 2
    at_hz = np.fft.rfftfreq(len(pcm), 1 / RATE)
    near = np.min([np.abs(at_hz - tone) for tone in tones_hz], axis=0) < 10
    each = [power[np.abs(at_hz - tone) < 10].sum() > 0.2 / len(tones_hz) * power.sum() for tone in tones_hz]
    return all(each) and bool(power[near].sum() > 0.98 * power.sum())


def read_export(desk: Desk, form: str, field: str, value: str) -> Legs:
    """EXPORT, decoded by a program that is not ours; int16 of shape (frames, legs)."""
    body, _ = desk.box.web(type="export", requestid=1, uniquefield=field, uniqueid=value, media_format=form)
    if form == "mp3":
        samples: Legs = soundfile.read(io.BytesIO(body), dtype="int16", always_2d=True)[0]
        return samples
    if form == "vox":
        command = ["sox", "-t", "vox", "-r", str(RATE), "-", "-t", "raw", "-e", "signed", "-b", "16", "-"]
        decoded = subprocess.run(command, input=body, capture_output=True, check=True, timeout=30).stdout
        return np.frombuffer(decoded, np.int16)[:, np.newaxis]
    with av.open(io.BytesIO(body), "r") as opened:
        (stream,) = opened.streams.audio
        planes = np.concatenate([frame.to_ndarray() for frame in opened.decode(stream)], axis=1)
        length = stream.duration or 0  # what the container says; the last block is filled up
    return np.round(planes.T[:length] * 32767).astype(np.int16)


def parts_of(box: ChildBox, device: str) -> list[Path]:
    return sorted(box.recording_path.rglob(f"{device}/*.part"))


def test_what_is_called_back_is_silent_everywhere_and_never_was_on_the_disk(
    patient_desk: Desk, patient_box: ChildBox
) -> None:
    line = int(patient_desk.start("5201", USER1="called back").data["CHANNEL"])
    begun_s = time.monotonic()
    seen: list[bytes] = []

    def wait(seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            seen.extend(part.read_bytes() for part in parts_of(patient_box, "5201"))
            time.sleep(0.2)

    wait(BEFORE_S)
    start_s = time.monotonic() - begun_s - 5
    answer = patient_desk.send("BLACKOUTSTART", DEVICEID="5201", TIMEOFFSET=-5)
    assert answer.message == "BLACKOUTSTART sent to all of the following cores: 1"
    wait(LONG_S)
    stop_s = time.monotonic() - begun_s
    patient_desk.send("BLACKOUTSTOP", DEVICEID="5201")
    wait(HOLDBACK_S + AFTER_S)  # so that the writer passes the blackout while the call goes on
    call_s = time.monotonic() - begun_s
    path = patient_desk.stop("5201")

    record = check_record(path)
    (blackout,) = record["blackouts"]
    assert blackout["from_s"] == pytest.approx(start_s, abs=0.3)
    assert blackout["until_s"] == pytest.approx(stop_s, abs=0.3)
    assert record["gaps"] == []
    first, last = round(blackout["from_s"] * RATE), round(blackout["until_s"] * RATE)

    wav, _ = patient_desk.export("user1", "called back", "wav")
    assert len(wav) / RATE == pytest.approx(call_s, abs=0.4)
    assert np.array_equal(wav, read_legs(path))
    assert wav.shape[1] == 2
    assert is_silent(wav[first:last])
    assert wav[first - 16 : first].any(axis=0).all()
    assert wav[last : last + 16].any(axis=0).all()
    for leg, base_hz in enumerate((300, 1000)):
        for audible in (wav[:first, leg], wav[last:, leg]):
            assert measure.check_continuity(audible, RATE).unbroken
            assert tone_hz(audible) == pytest.approx(base_hz + 50 * line, abs=0.5)

    for form, slack in SLACK.items():
        heard = read_export(patient_desk, form, "user1", "called back")
        assert len(heard) == len(wav) + (len(wav) % 2 if form == "vox" else 0), form  # two samples an octet
        assert np.abs(heard[first + slack : last - slack].astype(int)).max() <= QUIET[form], form
        for leg in range(heard.shape[1]):
            edges = quiet_span(heard[:, leg], QUIET[form])
            assert edges == pytest.approx((first, last), abs=slack), form
            bases_hz = (300, 1000)[leg : leg + 1] if heard.shape[1] == 2 else (300, 1000)
            for audible in (heard[: first - slack, leg], heard[last + slack :, leg]):
                assert has_tones(audible, [base_hz + 50 * line for base_hz in bases_hz]), form

    header = 58  # of a µ-law WAV file; what follows are frames of one octet a leg
    silence = bytes([0xFF])
    assert any(len(part) > header + 2 * last for part in seen)
    for part in seen:
        frames = part[header + 2 * (first + 8) : header + 2 * (last - 8)]
        assert not frames.strip(silence)


def test_what_was_written_already_is_overwritten(box: ChildBox) -> None:
    with Desk(box) as desk:
        desk.start("5202")
        time.sleep(5)
        assert any(part.stat().st_size > 2 * RATE for part in parts_of(box, "5202"))
        desk.send("BLACKOUTSTART", DEVICEID="5202", TIMEOFFSET=-60)
        time.sleep(1)
        desk.send("BLACKOUTSTOP", DEVICEID="5202")
        time.sleep(2)
        legs = read_legs(desk.stop("5202"))
    quiet = round(5.5 * RATE)
    assert is_silent(legs[:quiet])
    assert legs[quiet + RATE :].any(axis=0).all()


def test_a_blackout_that_is_open_at_the_end_ends_there(desk: Desk) -> None:
    desk.start("5203")
    time.sleep(1)
    desk.send("BLACKOUTSTART", DEVICEID="5203")
    time.sleep(1)
    path = desk.stop("5203")
    (blackout,) = check_record(path)["blackouts"]
    legs = read_legs(path)
    assert blackout["until_s"] == pytest.approx(len(legs) / RATE, abs=0.001)
    assert is_silent(legs[round(blackout["from_s"] * RATE) :])
    assert legs[: RATE // 2].any(axis=0).all()
    desk.start("5203")
    time.sleep(0.5)
    assert check_record(desk.stop("5203"))["blackouts"] == []


def test_switched_off_they_are_answered_by_39(make_box: Boxes) -> None:
    with Desk(make_box([{"name": "line", "kind": "virtual", "lines": 1}], recording={"blackouts": False})) as desk:
        answer = desk.client.request({"TYPE": "BLACKOUTSTART", "DEVICEID": "1"})
        assert (answer.code, answer.label) == (39, "API_UNLICENSED")
