"""Recordings that a client orders."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.bus.commands import StopCall
from appliance.bus.control import StartRecording, StopRecording
from appliance.errors import (
    AlreadyRecordingError,
    DeviceNotInCallError,
    DiskFullError,
    NoFreeChannelError,
    NotRecordingError,
    RecorderNotRunningError,
    RecordingFilteredError,
    ScheduleUnmatchedError,
)
from appliance.scheduler.decide import Schedule
from appliance.spool.records import Dropped


async def order(lab: Any, device: str = "5001", *, automatic: bool = False, **fields: Any) -> Any:
    return await lab.core.handle(StartRecording(device_id=device, fields=fields, automatic=automatic))


async def test_a_call_that_no_schedule_takes_is_recorded_by_order_and_goes_on_after_it(build: Any) -> None:
    lab = build(steady=1, schedules=())
    lab.start("5001", user1="a")
    assert await order(lab, user2="b")
    (claim,) = lab.claims
    assert (claim.schedule, claim.recording_type, claim.keep_days) == ("", "API Initiated", 30)
    assert (claim.fields.user1, claim.fields.user2) == ("a", "b")
    assert await lab.core.handle(StopRecording(device_id="5001"))
    await lab.until("RECORDINGSTOPPED")
    await lab.settle()
    assert lab.scheduler.calls.find("5001", None)
    assert lab.stops[0].reason == "STOPRECORDING"
    assert lab.states() == ["Idle"]
    assert await order(lab)
    assert len(lab.claims) == 2


async def test_a_device_without_a_call_is_recorded_and_nobody_is_told_of_a_call(lab: Any) -> None:
    await order(lab)
    assert lab.told == ["RECORDINGSTARTED"]
    await lab.core.handle(StopRecording(device_id="5001"))
    await lab.until("RECORDINGSTOPPED")
    assert lab.told == ["RECORDINGSTARTED", "RECORDINGSTOPPED"]
    assert not lab.scheduler.calls.open_calls()


async def test_callstop_and_callstart_end_an_ordered_recording_too(lab: Any) -> None:
    await order(lab)
    assert await lab.core.handle(StopCall(device_id="5001"))
    await lab.until("RECORDINGSTOPPED")
    await order(lab)
    lab.start("5001")
    await lab.until("RECORDINGSTOPPED", 2)
    assert lab.told.count("CALLSTART") == 1
    assert lab.told.count("CALLSTOP") == 1


async def test_what_is_recorded_is_not_recorded_twice(lab: Any) -> None:
    lab.start("5001")
    with pytest.raises(AlreadyRecordingError):
        await order(lab)


async def test_nothing_to_stop(lab: Any) -> None:
    for _ in range(2):
        with pytest.raises(NotRecordingError):
            await lab.core.handle(StopRecording(device_id="5001"))
        if not lab.claims:
            lab.start("5001")
            await lab.until("RECORDINGSTARTED")
            await lab.core.handle(StopRecording(device_id="5001"))


async def test_an_automatic_order_needs_a_call_and_a_schedule_that_takes_it(build: Any) -> None:
    lab = build(
        steady=1, schedules=(Schedule("asked", kind="api_initiated", match=(("group", "Claims"),), keep_days=7),)
    )
    with pytest.raises(DeviceNotInCallError):
        await order(lab, automatic=True)
    lab.start("5001")
    await lab.settle()
    assert not lab.claims
    with pytest.raises(ScheduleUnmatchedError, match="no schedule matches"):
        await order(lab, automatic=True)
    await order(lab, automatic=True, group="Claims")
    assert (lab.claims[0].schedule, lab.claims[0].keep_days) == ("asked", 7)


async def test_an_order_takes_the_terms_of_a_schedule_that_is_made_for_it(build: Any) -> None:
    schedules = (Schedule("usual", percent=0), Schedule("asked", kind="on_demand", keep_days=9, priority=80))
    lab = build(steady=2, schedules=schedules)
    await order(lab, agent_initiated=True)
    await order(lab, "5002")
    assert [(c.schedule, c.keep_days, c.priority) for c in lab.claims] == [("asked", 9, 80), ("", 30, 50)]
    assert lab.claims[0].recording_type == "On-Demand"


async def test_a_filter_forbids_it_whoever_asks(build: Any) -> None:
    lab = build(steady=1, filters=((("group", "legal*"),),))
    with pytest.raises(RecordingFilteredError):
        await order(lab, group="Legal 2")
    assert not lab.scheduler.calls.open_calls()
    lab.start("5001", group="Legal 2")
    assert lab.noted[-1].reason == "a recording filter forbids it"
    with pytest.raises(RecordingFilteredError):
        await order(lab, automatic=True)
    assert not lab.claims


async def test_no_channel_no_disk_and_no_line_are_told(build: Any) -> None:
    lab = build(steady=1)
    lab.disk_full = True
    with pytest.raises(DiskFullError):
        await order(lab)
    await lab.settle()
    lab.disk_full = False
    await order(lab)
    with pytest.raises(NoFreeChannelError):
        await order(lab, "5002")
    assert not lab.scheduler.calls.find("5002", None)
    await lab.core.handle(StopRecording(device_id="5001"))
    await lab.settle()
    lab.failing.add("0")
    with pytest.raises(RecorderNotRunningError):
        await order(lab)


async def test_an_order_on_a_trunk_waits_for_the_calls_media_behind_the_answer(build: Any) -> None:
    lab = build(trunk=1)
    assert await order(lab)
    assert not lab.claims
    lab.arrive("0", "5001", media=False)
    await lab.settle()
    lab.media("0")
    await lab.until("RECORDINGSTARTED")
    assert lab.claims[0].device_id == "5001"


async def test_a_waiting_order_can_be_stopped(build: Any) -> None:
    lab = build(trunk=1)
    await order(lab)
    assert await lab.core.handle(StopRecording(device_id="5001"))
    lab.arrive("0", "5001")
    await lab.settle()
    assert not lab.claims


async def test_a_recording_shorter_than_its_schedule_wants_is_not_kept(build: Any) -> None:
    lab = build(steady=1, schedules=(Schedule("long", min_record_time_s=10),))
    lab.start("5001")
    await lab.until("RECORDINGSTARTED")
    lab.stop("5001")
    await lab.until("RECORDINGSTOPPED")
    await lab.settle()
    assert not lab.stops
    assert [d.reason for d in lab.ordered(Dropped)] == ["shorter than 10 s (long)"]
    assert (lab.noted[-1].outcome, lab.noted[-1].record_id) == ("not kept", None)
    assert not lab.capturing
    lab.start("5001")
    await lab.until("RECORDINGSTARTED", 2)
    lab.scheduler.active[0].began_mono_s -= 10
    lab.stop("5001")
    await lab.until("RECORDINGSTOPPED", 2)
    assert len(lab.stops) == len(lab.ordered(Dropped)) == 1


async def test_a_set_number_of_calls_is_recorded_and_one_that_failed_does_not_count(build: Any) -> None:
    lab = build(steady=3, schedules=(Schedule("two", kind="set_number", count=2),))
    lab.disk_full = True
    lab.start("5000")
    await lab.until("RECORDINGSTARTED API_ERROR_OUT_OF_DISK_SPACE")
    await lab.settle()
    lab.disk_full = False
    for device in ("5001", "5002", "5003"):
        lab.start(device)
    await lab.until("RECORDINGSTARTED", 2)
    await lab.settle()
    assert [c.device_id for c in lab.claims] == ["5001", "5002"]
    assert {c.recording_type for c in lab.claims} == {"Set Number"}
