"""Calls that become recordings on lines that carry audio all the time."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.bus.commands import StartCall, UpdateCall
from appliance.bus.inproc import InprocBus
from appliance.errors import DeviceInvalidError
from appliance.scheduler.decide import Schedule
from appliance.spool.records import FieldsChanged


async def test_a_call_goes_through_its_events_in_order(lab: Any) -> None:
    lab.start("5001", ani="030", keep_days=99)
    await lab.until("RECORDINGSTARTED")
    assert lab.states() == ["Recording", "Idle"]
    assert lab.stop("5001")
    await lab.until("RECORDINGSTOPPED")
    await lab.settle()
    assert lab.told == ["CALLSTART", "RECORDINGSTARTED", "CALLSTOP", "RECORDINGSTOPPED"]
    assert lab.states() == ["Idle", "Idle"]
    assert [e.keep_days for e in lab.events] == [99, 99, 99, 99]
    assert [e.global_call_id != "" for e in lab.events] == [False, False, False, True]
    assert lab.claims[0].record_id == lab.events[3].record_id
    assert [s.reason for s in lab.stops] == ["call stopped"]
    assert not lab.capturing


async def test_a_call_stopped_while_its_line_is_being_started_leaves_nothing_running(lab: Any) -> None:
    lab.slow.clear()
    lab.start("5001")
    await lab.settle()
    lab.stop("5001")
    lab.slow.set()
    await lab.settle()
    assert lab.states() == ["Idle", "Idle"]
    assert not lab.capturing
    assert len(lab.stops) == len(lab.claims) == 1


async def test_unscheduled_calls_are_told_and_not_recorded(build: Any) -> None:
    lab = build(steady=1, schedules=())
    lab.start("5001")
    await lab.settle()
    assert lab.told == ["CALLSTART"]
    assert lab.states() == ["Idle"]
    assert (lab.noted[0].outcome, lab.noted[0].reason) == ("not scheduled", "no schedule matches")


async def test_a_second_callstart_of_the_same_instance_ends_the_first(lab: Any) -> None:
    lab.start("5001", user1="one")
    await lab.until("RECORDINGSTARTED")
    lab.start("5001", user1="two")
    await lab.until("RECORDINGSTARTED", 2)
    assert lab.told[2:4] == ["CALLSTOP", "CALLSTART"]
    assert [c.fields.user1 for c in lab.scheduler.calls.open_calls()] == ["two"]
    assert [s.reason for s in lab.stops] == ["a new call began on the device"]


async def test_instances_are_calls_of_their_own_and_stop_means_the_last(lab: Any) -> None:
    lab.start("5001", "a")
    lab.start("5001", "b")
    await lab.until("RECORDINGSTARTED", 2)
    lab.stop("5001")
    assert [c.call_instance for c in lab.scheduler.calls.open_calls()] == ["a"]
    assert not lab.stop("5001", "b")
    assert lab.stop("5001", "a")


async def test_the_next_call_waits_for_a_line_that_ends_just_now(build: Any) -> None:
    lab = build(steady=1)
    lab.start("5001")
    await lab.until("RECORDINGSTARTED")
    lab.start("5001")  # implicit stop, and the only line is still busy with it
    await lab.until("RECORDINGSTARTED", 2)
    assert lab.told == [
        "CALLSTART",
        "RECORDINGSTARTED",
        "CALLSTOP",
        "CALLSTART",
        "RECORDINGSTOPPED",
        "RECORDINGSTARTED",
    ]


async def test_a_higher_priority_takes_the_channel_and_an_equal_one_does_not(build: Any) -> None:
    lab = build(steady=1)
    lab.start("5001", priority=10)
    await lab.until("RECORDINGSTARTED")
    lab.start("5002", priority=10)
    assert lab.told[-1] == "RECORDINGSTARTED API_ERROR_NO_FREE_CHANNELS"
    lab.start("5003", priority=11)
    await lab.until("RECORDINGSTARTED", 2)
    assert "priority 11" in lab.stops[0].reason
    assert [c.device_id for c in lab.claims] == ["5001", "5003"]
    lab.stop("5001")
    assert lab.told[-1] == "CALLSTOP"


async def test_updates_reach_the_open_call_and_its_recording(lab: Any) -> None:
    lab.start("5001", user1="one")
    await lab.until("RECORDINGSTARTED")
    assert lab.scheduler.update_call(UpdateCall(device_id="5001", fields={"user2": "two", "keep_days": 7}))
    assert not lab.scheduler.update_call(UpdateCall(device_id="5009", fields={"user2": "two"}))
    changed = lab.ordered(FieldsChanged)[-1]
    assert (changed.fields.user1, changed.fields.user2, changed.keep_days) == ("one", "two", 7)


async def test_max_record_time_ends_the_recording_and_not_the_call(build: Any) -> None:
    lab = build(steady=1, schedules=(Schedule("short", max_record_time_s=100),))
    lab.start("5001")
    await lab.until("RECORDINGSTARTED")
    lab.scheduler.tick()
    assert not lab.stops
    lab.scheduler.active[0].began_mono_s -= 100
    lab.scheduler.tick()
    await lab.until("RECORDINGSTOPPED")
    assert lab.stops[0].reason == "MAXRECORDTIME of 100 s is reached"
    assert lab.scheduler.calls.open_calls()


async def test_max_record_silence_ends_the_recording(lab: Any) -> None:
    lab.start("5001", max_record_silence_s=5)
    await lab.until("RECORDINGSTARTED")
    session = lab.scheduler.active[0].session
    lab.scheduler.silent(session, 4.9)
    lab.scheduler.silent("another", 60)
    assert not lab.stops
    lab.scheduler.silent(session, 5.0)
    assert lab.stops[0].reason == "MAXRECORDSILENCE of 5 s is reached"


async def test_a_line_that_does_not_start_is_told_and_put_aside_and_comes_back(build: Any) -> None:
    lab = build(steady=1)
    lab.failing.add("0")
    lab.start("5001")
    await lab.until("RECORDINGSTARTED API_ERROR_RECORDER_NOT_RUNNING")
    assert lab.states() == ["Error"]
    lab.failing.clear()
    lab.arrivals.lines_up("card", ["0"])
    assert lab.states() == ["Idle"]


async def test_a_lost_worker_ends_its_recording_as_interrupted_and_the_call_is_recorded_on(build: Any) -> None:
    lab = build(steady=1)
    lab.start("5001")
    await lab.until("RECORDINGSTARTED")
    lab.capturing.clear()
    lab.arrivals.lines_down("card", ["0"], "killed by signal 9")
    await lab.until("RECORDINGSTOPPED")
    await lab.settle()
    assert lab.stops[0].interrupted
    assert lab.states() == ["Error"]
    lab.arrivals.lines_up("card", ["0"])
    await lab.until("RECORDINGSTARTED", 2)
    assert lab.states() == ["Recording"]
    assert lab.claims[1].device_id == "5001"


async def test_cti_call_info_fills_what_was_not_passed(lab: Any) -> None:
    lab.start("5001", ani="030", user1="gold", device_alias="A1")
    lab.stop("5001")
    command = StartCall(device_id="5001", fields={"user1": "own"}, use_cti_call_info=True)
    fields = lab.scheduler.start_call(command).fields
    assert (fields.ani, fields.user1) == ("030", "own")
    assert lab.scheduler.start_call(StartCall(device_id="5001", fields={})).fields.ani == ""


async def test_a_closing_core_is_not_reached_and_ends_its_recordings(build: Any) -> None:
    lab = build(steady=1)
    bus = InprocBus(1, lab.scheduler)
    delivery = await bus.send(StartCall(device_id="5001", fields={}))
    assert (delivery.reached, delivery.failed) == ((1,), ())
    await lab.until("RECORDINGSTARTED")
    await lab.scheduler.close("the box stops")
    assert lab.told[-1] == "RECORDINGSTOPPED"
    assert (await bus.send(StartCall(device_id="5002", fields={}))).failed == (1,)


async def test_the_five_ways_to_name_a_device(lab: Any) -> None:
    lab.start("5001", device_alias="3545", station="DESK", sys_user="ann", crm_user="CANN")
    resolve = lab.devices.resolve
    assert await resolve(device_id="never seen") == "never seen"
    assert await resolve(station="JBOND") == "7007"
    assert await resolve(station="desk") == "5001"
    assert await resolve(device_alias="3545") == "5001"
    assert await resolve(crm_user="cann") == "5001"
    assert await resolve(sys_user="eve") == "5001"  # an agent whose phone is the alias 3545
    assert await resolve(device_id="9", sys_user="ann") == "9"
    for keys in ({}, {"station": "nowhere"}, {"sys_user": "nobody"}, {"device_alias": "1"}):
        with pytest.raises(DeviceInvalidError):
            await resolve(**keys)
