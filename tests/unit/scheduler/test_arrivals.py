"""Calls that arrive on a trunk, before or after CALLSTART, and leave."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.spool.records import Dropped
from drivers.contract import CallArrived, CallChanged, CallRefused


@pytest.fixture
def trunk(build: Any) -> Any:
    return build(trunk=2)


async def test_media_before_callstart_is_recorded_from_its_begin(trunk: Any) -> None:
    session = trunk.arrive("0", "5001")
    assert trunk.states() == ["OffHook", "Idle"]
    trunk.start("5001")
    await trunk.until("RECORDINGSTARTED")
    assert trunk.states() == ["Recording", "Idle"]
    assert trunk.orders[0][0] == session
    call = trunk.scheduler.calls.find("5001", None)
    assert trunk.claims[0].from_mono_s < call.started_mono_s


async def test_callstart_before_media_waits_and_ends_in_the_same_recording(trunk: Any) -> None:
    trunk.start("5001")
    await trunk.settle()
    assert trunk.told == ["CALLSTART"]
    trunk.arrive("1", "5001", media=False)
    await trunk.settle()
    assert trunk.states() == ["Idle", "Waiting"]
    trunk.media("1")
    await trunk.until("RECORDINGSTARTED")
    assert trunk.states() == ["Idle", "Recording"]


async def test_media_that_never_comes_is_told_and_the_call_ends_with_a_reason(trunk: Any) -> None:
    trunk.start("5001")
    await trunk.settle()
    trunk.scheduler.waiting[0].since_mono_s -= 1
    trunk.scheduler.tick()
    trunk.scheduler.tick()
    assert trunk.told == ["CALLSTART", "RECORDINGSTARTED NO_MEDIA"]
    trunk.stop("5001")
    assert (trunk.noted[-1].outcome, trunk.noted[-1].reason) == ("no media", "the call ended before its media came")
    assert trunk.told[-1] == "CALLSTOP"


async def test_a_call_that_is_up_without_rtp_is_told_too_and_its_late_media_still_counts(trunk: Any) -> None:
    trunk.arrive("0", "5001", media=False)
    trunk.start("5001")
    await trunk.until("RECORDINGSTARTED NO_MEDIA")
    trunk.media("0")
    await trunk.until("RECORDINGSTARTED")
    assert trunk.states()[0] == "Recording"


async def test_after_callstop_a_call_that_is_still_up_can_be_recorded_again_from_then_on(trunk: Any) -> None:
    trunk.arrive("0", "5001")
    trunk.start("5001")
    await trunk.until("RECORDINGSTARTED")
    trunk.stop("5001")
    await trunk.until("RECORDINGSTOPPED")
    await trunk.settle()
    assert trunk.states()[0] == "OffHook"
    trunk.start("5001")
    await trunk.until("RECORDINGSTARTED", 2)
    first, second = trunk.claims
    call = trunk.scheduler.calls.find("5001", None)
    assert second.from_mono_s == pytest.approx(call.started_mono_s)
    assert trunk.orders[-1][0] != trunk.orders[0][0]
    assert first.record_id != second.record_id


async def test_far_hang_up_waits_for_callstop_so_that_the_events_keep_their_order(trunk: Any) -> None:
    trunk.arrive("0", "5001")
    trunk.start("5001")
    await trunk.until("RECORDINGSTARTED")
    trunk.leave("0")
    assert trunk.states()[0] == "Idle"  # the line is free for the next call at once
    trunk.arrive("0", "5002")
    trunk.stop("5001")
    await trunk.until("RECORDINGSTOPPED")
    assert trunk.told == ["CALLSTART", "RECORDINGSTARTED", "CALLSTOP", "RECORDINGSTOPPED"]
    assert trunk.states()[0] == "OffHook"


async def test_far_hang_up_without_callstop_ends_the_recording_after_its_linger(trunk: Any) -> None:
    trunk.arrive("0", "5001")
    trunk.start("5001")
    await trunk.until("RECORDINGSTARTED")
    trunk.leave("0")
    trunk.scheduler.active[0].linger_until_mono_s -= 1
    trunk.scheduler.tick()
    await trunk.until("RECORDINGSTOPPED")
    assert trunk.stops[0].reason == "the far end hung up"
    trunk.arrive("1", "5001")  # the PBX sends the rest of the same call anew
    await trunk.until("RECORDINGSTARTED", 2)
    assert trunk.states() == ["Idle", "Recording"]


async def test_a_call_that_nobody_asked_for_is_dropped_when_it_leaves(trunk: Any) -> None:
    session = trunk.arrive("0", "5001")
    trunk.leave("0")
    assert [(s, type(r)) for s, r in trunk.orders] == [(session, Dropped)]
    assert trunk.states()[0] == "Idle"


async def test_a_trunk_without_cti_starts_and_stops_calls_by_itself(build: Any) -> None:
    trunk = build(trunk=2, starts_calls=True)
    trunk.arrive("0", "5001")
    trunk.arrive("1", "5001")
    await trunk.until("RECORDINGSTARTED", 2)
    assert [c.call_instance for c in trunk.scheduler.calls.open_calls()] == ["", "r"]
    assert trunk.claims[0].fields.ani == "0301234"
    trunk.leave("1")
    trunk.leave("0")
    await trunk.until("RECORDINGSTOPPED", 2)
    assert not trunk.scheduler.calls.open_calls()
    assert trunk.told.count("CALLSTOP") == 2
    assert trunk.states() == ["Idle", "Idle"]


async def test_a_lost_worker_frees_its_lines_and_ends_its_own_calls(build: Any) -> None:
    trunk = build(trunk=1, starts_calls=True)
    trunk.arrive("0", "5001")
    await trunk.until("RECORDINGSTARTED")
    trunk.arrivals.lines_down("trunk", ["0"], "killed by signal 9")
    await trunk.until("RECORDINGSTOPPED")
    await trunk.settle()
    assert trunk.stops[0].interrupted
    assert trunk.states() == ["Error"]
    trunk.arrivals.lines_up("trunk", ["0"])
    trunk.arrive("0", "5001")
    await trunk.until("RECORDINGSTARTED", 2)


async def test_refused_calls_are_counted(trunk: Any) -> None:
    trunk.arrivals.fact("trunk", CallRefused(code=486, reason="every line is taken"))
    assert trunk.arrivals.counters["calls_refused"] == 1


async def test_what_the_line_tells_of_a_call_becomes_its_data_and_nothing_else(build: Any) -> None:
    trunk = build(trunk=1, starts_calls=True)
    told = {"user1": "gold", "call_direction": "O", "keep_days": "1", "override_disk_location": "/", "nonsense": "x"}
    trunk.arrivals.fact("trunk", CallArrived(line="0", session="s", device="5001", ani="030", fields=told))
    fields = trunk.scheduler.calls.find("5001", None).fields
    assert (fields.user1, fields.call_direction, fields.ani) == ("gold", "O", "030")
    assert (fields.keep_days, fields.override_disk_location) == (-1, "")


async def test_what_the_line_tells_in_mid_call_changes_its_own_call(build: Any) -> None:
    trunk = build(trunk=1, starts_calls=True)
    trunk.arrivals.fact("trunk", CallArrived(line="0", session="s", device="5001", ani="030", fields={"user1": "a"}))
    changes = {"ani": "040", "user1": "", "user2": "b", "keep_days": "1"}
    trunk.arrivals.fact("trunk", CallChanged(line="0", session="s", fields=changes))
    fields = trunk.scheduler.calls.find("5001", None).fields
    assert (fields.ani, fields.user1, fields.user2, fields.keep_days) == ("040", "a", "b", -1)


async def test_what_the_line_tells_in_mid_call_is_no_change_to_a_call_of_the_cti(build: Any) -> None:
    trunk = build(trunk=1)
    trunk.arrivals.fact("trunk", CallArrived(line="0", session="s", device="5001", ani="030"))
    trunk.start("5001", ani="cti")
    trunk.arrivals.fact("trunk", CallChanged(line="0", session="s", fields={"ani": "040"}))
    assert trunk.scheduler.calls.find("5001", None).fields.ani == "cti"
    assert trunk.scheduler.filled("5001", {})["ani"] == "040"


@pytest.mark.parametrize(("said", "kept"), [("O", "O"), ("inbound", "I"), (" Outgoing", "O"), ("sideways", "?")])
async def test_a_direction_in_the_far_sides_words_becomes_a_letter(build: Any, said: str, kept: str) -> None:
    trunk = build(trunk=1, starts_calls=True)
    trunk.arrivals.fact("trunk", CallArrived(line="0", session="s", device="5001", fields={"call_direction": said}))
    assert trunk.scheduler.calls.find("5001", None).fields.call_direction == kept
