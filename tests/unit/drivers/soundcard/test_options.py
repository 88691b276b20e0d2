from __future__ import annotations

import subprocess
import sys
from typing import Any

import pydantic
import pytest

from drivers.contract import Line, TapOptionsError
from drivers.taps.soundcard import Options, Tap
from drivers.taps.soundcard import _tap as tap_module


def options(**more: Any) -> Options:
    return Options.model_validate({"name": "t", "kind": "soundcard", "device": "hw:CARD=X", **more})


def test_every_input_is_a_line_unless_lines_are_named() -> None:
    assert [line.name for line in options(channels=3).card_lines] == ["1", "2", "3"]
    named = options(channels=4, rate_hz=16000, lines=[{"name": "a", "inputs": [4]}, {"name": "b", "inputs": [2, 1]}])
    (plan,) = Tap.plan(named)
    assert plan.lines == (Line("a", 1, 16000), Line("b", 2, 16000))


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"lines": [{"name": "a", "inputs": [3]}]}, "an input that the card's 2 channels do not have"),
        ({"lines": [{"name": "a", "inputs": [1]}, {"name": "a", "inputs": [2]}]}, "the same name"),
        ({"lines": [{"name": "a", "inputs": [1, 1]}]}, "two different inputs"),
        ({"lines": [{"name": "a", "inputs": [1], "start": "now"}]}, "'scheduler'"),
        ({"lines": [{"name": "a", "inputs": []}]}, "at least 1 item"),
        ({"rate_hz": 11025}, "8000"),
        ({"card_rate_hz": 96000}, "less than or equal to 48000"),
        ({"period_ms": 50, "buffer_ms": 60}, "twice period_ms"),
        ({"vox_onset_db": 5, "vox_hysteresis_db": 5}, "less than vox_onset_db"),
        ({"vox_never_below_dbfs": -20, "vox_always_above_dbfs": -30}, "less than vox_always_above_dbfs"),
    ],
)
def test_what_cannot_be_is_refused_by_name(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=text):
        options(**wrong)


def test_lines_that_begin_calls_are_told_to_the_core() -> None:
    mixed = options(lines=[{"name": "a", "inputs": [1], "start": "vox"}, {"name": "b", "inputs": [2]}])
    assert [line.calls_arrive for line in Tap.plan(mixed)[0].lines] == [True, False]
    assert not options().starts_calls
    assert options(lines=[{"name": "a", "inputs": [1], "start": "vox"}]).starts_calls


def test_options_survive_the_way_to_the_worker() -> None:
    sent = options(lines=[{"name": "a", "inputs": [1, 2], "start": "always", "device": "5003"}], full_scale_dbm0=3.14)
    assert Options.model_validate(sent.model_dump(mode="json")) == sent


def test_loading_the_kind_loads_no_library_of_sound() -> None:
    code = "import sys; from drivers.registry import load; load('soundcard').Options; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert not {"alsaaudio", "sounddevice"} & set(done.stdout.split())


def test_a_missing_library_is_told_when_the_tap_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tap_module._LIBRARIES, "alsa", "no_such_library")
    with pytest.raises(TapOptionsError, match="no_such_library"):
        Tap.plan(options(backend="alsa"))


@pytest.mark.parametrize(
    ("device", "warned"),
    [
        ("hw:0", True),
        ("plughw:1,0", True),
        ("hw:CARD=2,DEV=0", True),
        ("hw:CARD=LINE1,DEV=0", False),
        ("hw:CARD=2i2", False),
        ("rec00", False),
    ],
)
def test_a_card_by_its_number_is_warned_of(
    device: str,
    warned: bool,  # noqa: FBT001 - a column of the table
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(tap_module._LIBRARIES, "alsa", "sys")
    Tap.plan(options(backend="alsa", device=device))
    assert (f"{device} is a card's number" in caplog.text) is warned
