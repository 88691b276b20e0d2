"""Whose recordings are silent from when to when."""

from __future__ import annotations

from typing import Any

import pytest

from appliance import clock
from appliance.bus.commands import StopCall, UpdateCall
from appliance.bus.control import BeginBlackout, EndBlackout
from appliance.errors import BlackoutStateError, RecorderNotRunningError, UnlicensedError
from appliance.scheduler.blackouts import BlackoutRules
from appliance.spool.records import BlackoutBegan, BlackoutEnded

NOW = 0.0


def begin(
    lab: Any, device: str = "5001", *, at: float = NOW, instance: str | None = None, strict: bool = False
) -> bool:
    at_mono_s = clock.monotonic_s() + at
    command = BeginBlackout(device_id=device, call_instance=instance, at_mono_s=at_mono_s, strict=strict)
    done: bool = lab.scheduler.blackouts.begin(command)
    return done


def end(lab: Any, device: str = "5001", *, at: float = NOW, instance: str | None = None, strict: bool = False) -> bool:
    at_mono_s = clock.monotonic_s() + at
    command = EndBlackout(device_id=device, call_instance=instance, at_mono_s=at_mono_s, strict=strict)
    done: bool = lab.scheduler.blackouts.end(command)
    return done


async def recorded(lab: Any, device: str = "5001", **fields: Any) -> Any:
    """Start a call and give its recording, said to have begun a minute ago."""
    lab.start(device, **fields)
    await lab.until("RECORDINGSTARTED", 1 + len(lab.claims))
    active = lab.scheduler.active[-1]
    active.began_mono_s -= 60
    return active


async def test_a_blackout_is_ordered_before_the_request_is_answered(lab: Any) -> None:
    active = await recorded(lab)
    assert begin(lab, at=-5)
    (began,) = lab.ordered(BlackoutBegan)
    assert began.from_mono_s == pytest.approx(clock.monotonic_s() - 5, abs=0.2)
    assert lab.orders[-1] == (active.session, began)
    assert end(lab, at=2)
    (ended,) = lab.ordered(BlackoutEnded)
    assert ended.number == began.number
    assert ended.until_mono_s == pytest.approx(clock.monotonic_s() + 2, abs=0.2)


async def test_the_begin_is_never_before_the_recordings(lab: Any) -> None:
    active = await recorded(lab)
    begin(lab, at=-100)
    assert lab.ordered(BlackoutBegan)[0].from_mono_s == active.began_mono_s


async def test_the_end_is_never_before_the_begin(lab: Any) -> None:
    await recorded(lab)
    begin(lab, at=-3)
    end(lab, at=-60)
    assert lab.ordered(BlackoutEnded)[0].until_mono_s == lab.ordered(BlackoutBegan)[0].from_mono_s


async def test_what_was_written_as_silence_is_told_as_silence(build: Any) -> None:
    lab = build(steady=1, blackouts=BlackoutRules(holdback_s=2))
    await recorded(lab)
    begin(lab, at=-30)
    end(lab, at=-20)
    assert lab.ordered(BlackoutEnded)[0].until_mono_s == pytest.approx(clock.monotonic_s() - 2, abs=0.2)


async def test_a_second_begin_adds_only_what_lies_before_the_first(lab: Any) -> None:
    await recorded(lab)
    begin(lab)
    begin(lab)
    assert len(lab.ordered(BlackoutBegan)) == 1
    begin(lab, at=-4)
    assert len(lab.ordered(BlackoutBegan)) == 2
    end(lab)
    assert sorted(e.number for e in lab.ordered(BlackoutEnded)) == [1, 2]


async def test_a_device_without_call_or_blackout_is_no_error(lab: Any) -> None:
    assert not begin(lab)
    assert not end(lab)
    await recorded(lab)
    assert end(lab)
    lab.stop("5001")
    assert not begin(lab)
    assert not lab.ordered(BlackoutBegan)


async def test_strict_states_are_refused(lab: Any) -> None:
    await recorded(lab)
    with pytest.raises(BlackoutStateError):
        end(lab, strict=True)
    begin(lab, strict=True)
    with pytest.raises(BlackoutStateError):
        begin(lab, strict=True)


async def test_switched_off_they_are_refused(build: Any) -> None:
    lab = build(steady=1, blackouts=BlackoutRules(enabled=False))
    for do in (begin, end):
        with pytest.raises(UnlicensedError):
            do(lab)


async def test_it_silences_the_last_call_unless_an_instance_is_named(lab: Any) -> None:
    lab.start("5001", "a")
    lab.start("5001", "b")
    await lab.until("RECORDINGSTARTED", 2)
    first, last = lab.scheduler.active
    begin(lab)
    begin(lab, instance="a")
    assert [session for session, order in lab.orders if isinstance(order, BlackoutBegan)] == [
        *(last.session, first.session)
    ]


async def test_a_blackout_of_a_call_waits_for_its_recording(lab: Any) -> None:
    lab.slow.clear()
    lab.start("5001")
    begin(lab)
    assert not lab.ordered(BlackoutBegan)
    lab.slow.set()
    await lab.until("RECORDINGSTARTED")
    assert len(lab.ordered(BlackoutBegan)) == 1


async def test_a_blackout_that_is_over_when_the_recording_begins_is_not_ordered(lab: Any) -> None:
    lab.slow.clear()
    lab.start("5001")
    begin(lab, at=-9)
    end(lab, at=-8)
    lab.slow.set()
    await lab.until("RECORDINGSTARTED")
    assert not lab.ordered(BlackoutBegan)


async def test_the_blackout_of_a_call_ends_with_it(lab: Any) -> None:
    await recorded(lab)
    begin(lab)
    lab.stop("5001")
    await recorded(lab)
    assert len(lab.ordered(BlackoutBegan)) == 1


async def test_the_blackout_of_an_agent_goes_on_through_calls_until_it_is_stopped(build: Any) -> None:
    lab = build(steady=3, blackouts=BlackoutRules(tied_to="agent"))
    await recorded(lab, sys_user="ann")
    begin(lab)
    lab.stop("5001")
    await recorded(lab, "5002", sys_user="ANN")
    await recorded(lab, "5003", sys_user="bob")
    sessions = [session for session, order in lab.orders if isinstance(order, BlackoutBegan)]
    assert sessions == [lab.orders[0][0], lab.scheduler.active[-2].session]
    end(lab, "5002")
    lab.stop("5002")
    await recorded(lab, "5002", sys_user="ann")
    assert len(lab.ordered(BlackoutBegan)) == 2


async def test_an_agent_who_is_told_during_the_call_is_silenced_then(build: Any) -> None:
    lab = build(steady=2, blackouts=BlackoutRules(tied_to="agent"))
    await recorded(lab, crm_user="ann")
    begin(lab)
    await recorded(lab, "5002")
    assert len(lab.ordered(BlackoutBegan)) == 1
    lab.scheduler.update_call(UpdateCall(device_id="5002", fields={"crm_user": "ann"}))
    assert len(lab.ordered(BlackoutBegan)) == 2


async def test_nobody_is_silenced_for_longer_than_the_longest_blackout(build: Any) -> None:
    lab = build(steady=1, blackouts=BlackoutRules(max_s=30))
    await recorded(lab)
    begin(lab, at=-29)
    lab.scheduler.tick()
    assert not lab.ordered(BlackoutEnded)
    lab.scheduler.calls.find("5001", None).blackouts[0].from_mono_s -= 1
    lab.scheduler.tick()
    (ended,) = lab.ordered(BlackoutEnded)
    assert ended.until_mono_s == lab.ordered(BlackoutBegan)[0].from_mono_s - 1 + 30


async def test_a_blackout_that_cannot_be_written_down_is_not_acknowledged(lab: Any) -> None:
    await recorded(lab)
    lab.unwritable.add(BlackoutBegan)
    with pytest.raises(RecorderNotRunningError):
        begin(lab)


async def test_commands_come_through_the_cores_door(lab: Any) -> None:
    await recorded(lab)
    now_s = clock.monotonic_s()
    assert await lab.scheduler.handle(BeginBlackout(device_id="5001", at_mono_s=now_s))
    assert await lab.scheduler.handle(EndBlackout(device_id="5001", at_mono_s=now_s))
    assert await lab.scheduler.handle(StopCall(device_id="5001"))
    assert len(lab.ordered(BlackoutEnded)) == 1
