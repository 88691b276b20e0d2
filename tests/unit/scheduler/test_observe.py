"""Dial to monitor: the box calls the target and records what it hears."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from appliance.bus.control import StartRecording, StopRecording
from appliance.errors import NoFreeChannelError, RecorderNotRunningError
from appliance.recording import recorder
from appliance.spool.records import Dropped
from drivers.contract import CallAnswered, CallArrived, CallLeft, MediaStarted


@pytest.fixture(params=["steady", "trunk"])
def lab(request: pytest.FixtureRequest, build: Any) -> Any:
    return build(**{request.param: 1, "dials": True})


def where(lab: Any) -> tuple[str, str]:
    (channel,) = lab.scheduler.pool
    return channel.tap, channel.line


def tell(lab: Any, kind: Any, **facts: Any) -> None:
    tap, line = where(lab)
    lab.arrivals.fact(tap, kind(line=line, **facts))


async def test_the_target_is_called_and_recorded_from_its_answer_until_it_hangs_up(lab: Any) -> None:
    lab.start("5003", dial_to_monitor="*87,5003#")
    await lab.settle()
    assert lab.dialled == [(*where(lab), "*87,5003#", "")]
    assert lab.states() == ["PreparingToRecord"]
    assert "RECORDINGSTARTED" not in lab.told
    tell(lab, CallAnswered)
    await lab.until("RECORDINGSTARTED")
    assert lab.states() == ["Recording"]
    (claim,) = lab.claims
    assert claim.fields.dial_to_monitor == "*87,5003#"
    tell(lab, CallLeft, session="", reason="the far end hung up")
    await lab.until("RECORDINGSTOPPED")
    await lab.settle()
    assert lab.states() == ["Idle"]
    assert [stop.reason for stop in lab.stops] == ["the far end hung up"]
    assert len(lab.dialled) == 1, "a call that ended is not dialled again"
    assert lab.scheduler.calls.find("5003", None), "the device's own call goes on"


async def test_what_was_heard_before_the_answer_is_claimed(lab: Any) -> None:
    lab.start("5003", dial_to_monitor="87")
    await lab.settle()
    before_s = lab.scheduler.active[0].chosen_mono_s
    tell(lab, MediaStarted, session=lab.scheduler.active[0].session, legs=1)
    tell(lab, CallAnswered)
    await lab.until("RECORDINGSTARTED")
    assert lab.claims[0].from_mono_s - before_s < 0.03


async def test_callstop_hangs_up(lab: Any) -> None:
    lab.start("5003", dial_to_monitor="87")
    await lab.settle()
    tell(lab, CallAnswered)
    await lab.until("RECORDINGSTARTED")
    assert lab.stop("5003")
    await lab.until("RECORDINGSTOPPED")
    await lab.settle()
    assert lab.dialled[-1] == ("hung up", *where(lab), "call stopped")
    assert lab.states() == ["Idle"]


async def test_a_target_that_does_not_answer_is_told_and_leaves_nothing(lab: Any) -> None:
    lab.start("5003", dial_to_monitor="87")
    await lab.settle()
    tell(lab, CallLeft, session="", reason="busy (486 Busy Here)")
    await lab.until("RECORDINGSTARTED API_ERROR_RECORDER_NOT_RUNNING")
    await lab.settle()
    assert lab.states() == ["Idle"]
    assert not lab.claims
    assert lab.ordered(Dropped)
    call = lab.scheduler.calls.find("5003", None)
    assert (call.outcome, call.reason) == ("failed", "87: busy (486 Busy Here)")


async def test_callstop_while_it_rings(lab: Any) -> None:
    lab.start("5003", dial_to_monitor="87")
    await lab.settle()
    lab.stop("5003")
    await lab.settle()
    assert lab.states() == ["Idle"]
    assert not lab.claims
    assert lab.ordered(Dropped)
    assert lab.noted[-1].outcome == "not recorded"


async def test_an_order_hears_of_a_busy_target_and_of_a_number_that_is_none(lab: Any) -> None:
    async def busy() -> None:
        while not lab.dialled:
            await lab.settle()
        tell(lab, CallLeft, session="", reason="busy")

    waiting = asyncio.create_task(busy())
    with pytest.raises(RecorderNotRunningError, match="87: busy"):
        await lab.core.handle(StartRecording(device_id="5003", fields={"dial_to_monitor": "87"}, automatic=False))
    await waiting
    lab.failing.add(where(lab)[1])
    with pytest.raises(RecorderNotRunningError, match="no number"):
        await lab.core.handle(StartRecording(device_id="5004", fields={"dial_to_monitor": "x"}, automatic=False))
    assert lab.states() == ["Idle"], "the line works"


async def test_an_order_is_recorded_until_it_is_taken_back(lab: Any) -> None:
    async def answer() -> None:
        while not lab.dialled:
            await lab.settle()
        tell(lab, CallAnswered)

    waiting = asyncio.create_task(answer())
    assert await lab.core.handle(StartRecording(device_id="5003", fields={"dial_to_monitor": "87"}, automatic=False))
    await waiting
    assert await lab.core.handle(StopRecording(device_id="5003"))
    await lab.until("RECORDINGSTOPPED")
    await lab.settle()
    assert lab.states() == ["Idle"]


async def test_no_line_is_free_to_call(lab: Any) -> None:
    lab.start("5003", dial_to_monitor="87")
    await lab.settle()
    with pytest.raises(NoFreeChannelError):
        await lab.core.handle(StartRecording(device_id="5004", fields={"dial_to_monitor": "88"}, automatic=False))


async def test_where_no_line_can_call_the_call_is_recorded_as_ever(build: Any) -> None:
    lab = build(steady=1)
    lab.start("5003", dial_to_monitor="87")
    await lab.until("RECORDINGSTARTED")
    assert not lab.dialled
    assert lab.states() == ["Recording"]


async def test_a_call_that_comes_in_meanwhile_keeps_its_line(build: Any) -> None:
    lab = build(trunk=1, dials=True)
    lab.failing.add("0")
    lab.start("5003", dial_to_monitor="87")
    lab.arrive("0", "7001")
    await lab.until("RECORDINGSTARTED API_ERROR_RECORDER_NOT_RUNNING")
    await lab.settle()
    assert lab.states() == ["OffHook"]


async def test_a_lost_worker_is_dialled_anew(lab: Any) -> None:
    lab.start("5003", dial_to_monitor="87")
    await lab.settle()
    tell(lab, CallAnswered)
    await lab.until("RECORDINGSTARTED")
    tap, line = where(lab)
    lab.arrivals.lines_down(tap, [line], "killed")
    await lab.until("RECORDINGSTOPPED")
    await lab.settle()
    assert lab.states() == ["Error"]
    lab.arrivals.lines_up(tap, [line])
    await lab.settle()
    assert len(lab.dialled) == 2
    assert lab.states() == ["PreparingToRecord"]


async def test_a_target_that_is_gone_before_the_order_is_answered_is_not_dialled_again(lab: Any) -> None:
    dial = lab.dial

    async def gone_at_once(tap: str, line: str, phone: str, barge_code: str) -> None:
        await dial(tap, line, phone, barge_code)
        lab.arrivals.fact(tap, CallLeft(line=line, session="", reason="no answer"))

    lab.dial = gone_at_once
    lab.start("5003", dial_to_monitor="087")
    await lab.until("RECORDINGSTARTED API_ERROR_RECORDER_NOT_RUNNING")
    await lab.settle()
    assert len(lab.dialled) == 1
    assert not lab.capturing
    assert lab.states() == ["Idle"]


async def test_a_line_that_is_not_free_yet_is_tried_again(lab: Any) -> None:
    _, line = where(lab)
    lab.busy[line] = 2
    lab.start("5003", dial_to_monitor="87")
    await lab.until_dialled()
    assert lab.states() == ["PreparingToRecord"]
    assert "RECORDINGSTARTED" not in lab.told
    tell(lab, CallAnswered)
    await lab.until("RECORDINGSTARTED")


async def test_one_that_stays_busy_is_given_up_and_told(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "FIRST_RETRY_S", 10.0)
    _, line = where(lab)
    lab.busy[line] = 99
    lab.start("5003", dial_to_monitor="87")
    await lab.until("RECORDINGSTARTED API_ERROR_RECORDER_NOT_RUNNING")
    await lab.settle()
    assert lab.states() == ["Idle"]


async def test_a_call_that_comes_in_on_the_line_meanwhile_leads_to_another(build: Any) -> None:
    lab = build(trunk=2, dials=True)
    lab.busy["1"] = 1  # the last line is chosen first
    lab.start("5003", dial_to_monitor="87")
    lab.arrivals.fact("trunk", CallArrived(line="1", session="s", device="5004", arrived_mono_s=0))
    await lab.until_dialled()
    assert lab.dialled == [("trunk", "0", "87", "")]
    assert lab.states() == ["PreparingToRecord", "OffHook"]
    lab.arrivals.fact("trunk", CallAnswered(line="0"))
    await lab.until("RECORDINGSTARTED")
    lab.busy["0"] = lab.busy["1"] = 1
    lab.start("5005", dial_to_monitor="88")
    await lab.until("RECORDINGSTARTED API_ERROR_NO_FREE_CHANNELS")
