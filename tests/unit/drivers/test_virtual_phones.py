"""The virtual line's phones: they take a call at once, and hear a file for as long as it lasts."""

from __future__ import annotations

import time
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.contract import CallAnswered, CallLeft, LineBusyError, LineIdleError, LineUnknownError, PlayEnded, TapError
from drivers.taps.virtual import Tap, VirtualOptions
from tests.unit.drivers.memory import MemoryHost, MemorySink


@pytest.fixture
def host() -> MemoryHost:
    return MemoryHost()


@pytest.fixture
def tap(host: MemoryHost) -> Iterator[Tap]:
    options = VirtualOptions.model_validate({"name": "v", "kind": "virtual", "lines": 2})
    made = Tap(options, Tap.plan(options)[0])
    made.open(host)
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with wave.open(str(tmp_path / "a.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(3200))  # 0.2 s
    return tmp_path / "a.wav"


def test_a_call_is_answered_played_to_and_hung_up(tap: Tap, host: MemoryHost, file: Path) -> None:
    tap.dial("1", "7001", "")
    assert host.events == [CallAnswered(line="1")]
    with pytest.raises(LineBusyError):
        tap.dial("1", "7002", "")
    begun_s = time.monotonic()
    tap.play("1", file)
    while len(host.events) < 2:
        tap.poll()
        assert time.monotonic() - begun_s < 5
    assert host.events[1] == PlayEnded(line="1")
    assert time.monotonic() - begun_s >= 0.2
    tap.poll()
    tap.hang_up("1", "over")
    assert host.events[2:] == [CallLeft(line="1", session="", reason="over")]
    tap.dial("1", "7001", "*9")


def test_a_number_that_begins_with_0_does_not_answer(tap: Tap, host: MemoryHost) -> None:
    tap.dial("0", "0", "")
    assert host.events == [CallLeft(line="0", session="", reason="no answer")]


def test_what_cannot_be(tap: Tap, file: Path) -> None:
    with pytest.raises(LineUnknownError):
        tap.dial("9", "7001", "")
    with pytest.raises(LineIdleError):
        tap.play("0", file)
    with pytest.raises(TapError, match="no calls"):
        tap.hang_up("0", "over")
    tap.start("0", MemorySink())
    with pytest.raises(LineBusyError):
        tap.dial("0", "7001", "")
