"""Calls that the trunk places, to a real phone in a process of its own."""

from __future__ import annotations

import asyncio
import re
import socket
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from appliance.audio import measure
from drivers.contract import (
    CallAnswered,
    CallLeft,
    LineBusyError,
    LineIdleError,
    MediaStarted,
    NumberInvalidError,
    PlayEnded,
    SessionClosed,
    TapError,
)
from hil.peers.baresip import PROGRAM, Baresip
from hil.peers.sip_phone import SipPhone
from tests.wires.sip.conftest import Caller, Start, Trunk

pytestmark = [pytest.mark.asyncio(loop_scope="module")]

RATE_HZ = 8000


def noise(path: Path, seconds: float, seed: int, rate_hz: int = RATE_HZ) -> npt.NDArray[np.int16]:
    """Write noise that is like nothing else; gives it."""
    pcm = np.random.default_rng(seed).normal(0, 3000, round(seconds * rate_hz)).astype(np.int16)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(pcm.tobytes())
    return pcm


def heard(path: Path) -> npt.NDArray[np.int16]:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


async def trunk_to(start_trunk: Start, port: int, **options: Any) -> Trunk:
    return await start_trunk(dial_uri=f"sip:{{number}}@127.0.0.1:{port}", **{"calls": 2, **options})


async def test_a_phone_hears_the_file_and_the_digits_after_its_answer(start_trunk: Start, tmp_path: Path) -> None:
    played = noise(tmp_path / "file.wav", 3, 1)
    with SipPhone(user="5003", record=str(tmp_path / "heard.wav"), ring_s=0.5) as phone:
        trunk = await trunk_to(start_trunk, phone.port, digit_pause_s=0.3)
        await trunk.tap.dial("0", "5003,,12#", "")
        assert not trunk.facts
        await trunk.wait(CallAnswered)
        answered_s = time.monotonic()
        await trunk.tap.play("0", tmp_path / "file.wav")
        await trunk.wait(PlayEnded)
        await trunk.tap.hang_up("0", "done")
        (left,) = await trunk.wait(CallLeft)
        assert (left.line, left.reason) == ("0", "done")
        await asyncio.to_thread(phone.wait, "ended", timeout_s=3)
    digits = phone.facts("digit")
    assert [fact.details for fact in digits] == [{"digit": digit, "method": "rfc4733"} for digit in "12#"]
    assert digits[0].at_s - answered_s > 0.5, "two commas are two pauses"
    offset = measure.find_offset(played, heard(tmp_path / "heard.wav"))
    assert offset.likeness > 0.99, offset


async def test_digits_go_by_info_where_that_is_set(start_trunk: Start) -> None:
    with SipPhone() as phone:
        trunk = await trunk_to(start_trunk, phone.port, digit_pause_s=0.1, digits="info")
        await trunk.tap.dial("0", "*9,7#", "")
        fact = await asyncio.to_thread(phone.wait, "digit", timeout_s=5, count=2)
        assert fact.details == {"digit": "#", "method": "info"}
        assert phone.facts("invited")[0].details["uri"].startswith("sip:*9@")


@pytest.mark.skipif(PROGRAM is None, reason="baresip is not installed")
@pytest.mark.parametrize("way", ["rfc4733", "info"])
async def test_a_phone_of_another_make_understands_the_digits(start_trunk: Start, tmp_path: Path, way: str) -> None:
    with Baresip(tmp_path, user="5003") as phone:
        trunk = await trunk_to(start_trunk, phone.port, digit_pause_s=0.1, digits=way)
        await trunk.tap.dial("0", "5003,7*A#", "")
        await asyncio.to_thread(phone.wait, "CALL_DTMF_START", timeout_s=5, count=4)
        assert phone.digits == "7*A#"


async def test_a_file_of_another_rate_sounds_as_it_is(start_trunk: Start, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 22050, 0, "NONE", ""))
        file.writeframes(measure.make_tone(1013, 22050, 2 * 22050, -16).tobytes())
    with SipPhone(record=str(tmp_path / "heard.wav")) as phone:
        trunk = await trunk_to(start_trunk, phone.port)
        await trunk.tap.dial("0", "5003", "")
        await trunk.wait(CallAnswered)
        await trunk.tap.play("0", tmp_path / "tone.wav")
        await trunk.wait(PlayEnded)
    pcm = heard(tmp_path / "heard.wav")
    spectrum = np.abs(np.fft.rfft(pcm[np.argmax(np.abs(pcm) > 1000) :][:RATE_HZ]))
    assert abs(int(np.argmax(spectrum)) - 1013) <= 1


async def test_a_phone_of_g722_hears_all_of_the_band_of_a_wide_recording(start_trunk: Start, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(measure.make_tone(6217, 16000, 2 * 16000, -16).tobytes())
    with SipPhone(record=str(tmp_path / "heard.wav"), codec="G722", rate_hz=16000) as phone:
        trunk = await trunk_to(start_trunk, phone.port, rate_hz=16000)
        await trunk.tap.dial("0", "5003", "")
        await trunk.wait(CallAnswered)
        await trunk.tap.play("0", tmp_path / "tone.wav")
        await trunk.wait(PlayEnded)
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert file.getframerate() == 16000
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    found = measure.find_tone(pcm, 16000)
    assert found.frequency_hz == pytest.approx(6217, abs=0.2)
    assert found.level_dbfs == pytest.approx(-16, abs=0.6)
    assert found.frames == pytest.approx(2 * 16000, abs=100)


async def test_what_sounds_before_and_after_the_answer_is_recorded(start_trunk: Start, tmp_path: Path) -> None:
    early, later = noise(tmp_path / "early.wav", 1, 2), noise(tmp_path / "later.wav", 2, 3)
    sounds = {"early": str(tmp_path / "early.wav"), "sound": str(tmp_path / "later.wav")}
    with SipPhone(ring_s=1.5, **sounds) as phone:
        trunk = await trunk_to(start_trunk, phone.port)
        session = trunk.spool.new_session_id("trunk", "0")
        await trunk.tap.dial("0", "5003", "")
        await trunk.tap.start_line("0", session)
        await trunk.wait(MediaStarted)
        assert not trunk.all(CallAnswered)
        await trunk.wait(CallAnswered)
        await asyncio.sleep(2.5)
        phone.hang_up()
        (left,) = await trunk.wait(CallLeft)
        assert left.reason == "the far end hung up"
        assert [fact.session for fact in trunk.all(SessionClosed)] == [session]
        leg = trunk.legs(session)[0]
        for sound in (early, later):
            assert measure.find_offset(sound, leg.pcm).likeness > 0.99
        assert phone.wait("ended", timeout_s=3).details["packets_received"] > 100, "silence keeps the call"


@pytest.mark.parametrize(
    ("code", "reason"), [(486, "busy"), (603, "declined"), (404, "not found"), (480, "not available")]
)
async def test_a_refusal_has_its_reason(start_trunk: Start, code: int, reason: str) -> None:
    with SipPhone(code=code) as phone:
        trunk = await trunk_to(start_trunk, phone.port)
        await trunk.tap.dial("0", "5003", "")
        (left,) = await trunk.wait(CallLeft)
        assert left.reason.startswith(f"{reason} ({code} ")
        assert not trunk.all(CallAnswered)


async def test_a_phone_that_rings_on_is_cancelled(start_trunk: Start) -> None:
    with SipPhone(ring_s=30) as phone:
        trunk = await trunk_to(start_trunk, phone.port, ring_s=1)
        await trunk.tap.dial("0", "5003", "")
        (left,) = await trunk.wait(CallLeft)
        assert left.reason == "no answer within 1 s"
        assert phone.wait("ended", timeout_s=3).details["code"] == 487


async def test_a_call_is_not_touched_by_what_waited_for_those_before(start_trunk: Start) -> None:
    with SipPhone() as phone:
        trunk = await trunk_to(start_trunk, phone.port, ring_s=2)
        for count in range(1, 6):  # PJSIP has four numbers for calls, and gives the fifth call that of the first
            await trunk.tap.dial("0", "5003", "")
            await trunk.wait(CallAnswered, count)
            if count < 5:
                await trunk.tap.hang_up("0", "done")
                await trunk.wait(CallLeft, count)
        await asyncio.sleep(2)  # the ringing of all of them would be over
        assert len(phone.facts("ended")) == 4
        phone.hang_up()
        left = await trunk.wait(CallLeft, 5)
        assert left[4].reason == "the far end hung up"


@pytest.mark.skipif(PROGRAM is None, reason="baresip is not installed")
async def test_a_phone_that_holds_the_call_for_good_is_let_go(start_trunk: Start, tmp_path: Path) -> None:
    with Baresip(tmp_path, user="5003") as phone:
        trunk = await trunk_to(start_trunk, phone.port, held_call_s=2, lost_phone_s=30)
        await trunk.tap.dial("0", "5003", "")
        await trunk.wait(CallAnswered)
        await asyncio.sleep(1)
        phone.order("hold")
        await asyncio.sleep(1)
        assert not trunk.all(CallLeft)
        (left,) = await trunk.wait(CallLeft)
        assert left.reason == "on hold for too long"
        assert await asyncio.to_thread(phone.wait, "CALL_CLOSED", timeout_s=2)


async def test_a_far_end_that_is_not_there(start_trunk: Start) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        trunk = await trunk_to(start_trunk, mute.getsockname()[1], ring_s=1)
        await trunk.tap.dial("0", "5003", "")
        (left,) = await trunk.wait(CallLeft, timeout_s=8)
        assert left.reason == "no answer within 1 s"
        await trunk.tap.dial("0", "5003", "")  # the line is free again, whatever PJSIP waits for


@pytest.mark.parametrize(
    "number",
    [
        "",
        ",1",
        "5003\r\nX-Evil: 1",
        "5003@evil.example",
        "5003;transport=tcp",
        "50 03",
        "5003,1\n2",
        "5" * 66,
        "5003?X=1",
        "<5>",
        "sip:5003",
    ],
)
async def test_what_is_no_number_is_not_dialled(start_trunk: Start, number: str) -> None:
    trunk = await trunk_to(start_trunk, 9)
    with pytest.raises(NumberInvalidError):
        await trunk.tap.dial("0", number, "")
    with pytest.raises(NumberInvalidError):
        await trunk.tap.dial("0", "5003", "*9\r\n")
    with pytest.raises(NumberInvalidError):
        await trunk.tap.join("0", number)


async def test_a_number_is_escaped_as_a_uri_wants_it(start_trunk: Start) -> None:
    with SipPhone() as phone:
        trunk = await trunk_to(start_trunk, phone.port, dial_from="sip:observer@pbx.example")
        await trunk.tap.dial("0", "#22*5003", "")
        invite = (await asyncio.to_thread(phone.wait, "invited", timeout_s=3)).details["message"]
        assert invite.startswith("INVITE sip:%2322*5003@127.0.0.1")
        assert re.search(r"^From: .*<?sip:observer@pbx\.example", invite, re.MULTILINE)


async def test_a_trunk_that_is_not_told_where_does_not_dial(start_trunk: Start) -> None:
    trunk = await start_trunk(calls=1)
    assert not trunk.tap.capabilities.dials
    with pytest.raises(NumberInvalidError, match="neither dial_uri nor an account"):
        await trunk.tap.dial("0", "5003", "")


async def test_a_line_is_one_calls_alone(start_trunk: Start, caller: Caller, tmp_path: Path) -> None:
    noise(tmp_path / "file.wav", 1, 4)
    with SipPhone() as phone:
        trunk = await trunk_to(start_trunk, phone.port, assign={"0": "playback"})
        with pytest.raises(LineIdleError):
            await trunk.tap.play("0", tmp_path / "file.wav")
        dialog = await caller.call(trunk.port)  # takes line 1: 0 is kept for playback
        with pytest.raises(LineBusyError):
            await trunk.tap.dial("1", "5003", "")
        with pytest.raises(LineIdleError):
            await trunk.tap.play("1", tmp_path / "file.wav")
        await trunk.tap.dial("0", "5003", "")
        with pytest.raises(LineBusyError):
            await trunk.tap.dial("0", "5004", "")
        await trunk.wait(CallAnswered)
        with pytest.raises(TapError, match=r"none\.wav cannot be played"):
            await trunk.tap.play("0", tmp_path / "none.wav")
        (tmp_path / "text.wav").write_text("no sound")
        with pytest.raises(TapError, match=r"text\.wav cannot be played"):
            await trunk.tap.play("0", tmp_path / "text.wav")
        await caller.bye(dialog)
        assert trunk.tap.status.restarts == 0
