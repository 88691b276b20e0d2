from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import pydantic
import pytest

from drivers.contract import TapOptionsError
from drivers.taps.sip import Options
from drivers.taps.sip._meter import Meter, Reading
from drivers.taps.sip._pace import CallPace, Pace
from drivers.taps.sip._plan import check_ports, share


def test_options_are_read_without_the_library() -> None:
    code = "import sys, drivers.taps.sip; sys.exit('pjsua2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_wrong_rule_is_told() -> None:
    with pytest.raises(pydantic.ValidationError, match="to-usr"):
        Options(name="t", kind="sip", device_from=("to-usr",))


def test_a_trunk_of_16_khz_takes_g722_first_where_no_codecs_are_named() -> None:
    assert Options(name="t", kind="sip", rate_hz=16000).codecs == ("G722", "PCMU", "PCMA")
    assert Options(name="t", kind="sip", rate_hz=16000, codecs=("PCMA",)).codecs == ("PCMA",)
    assert Options(name="t", kind="sip").codecs == ("PCMU", "PCMA")


@pytest.mark.parametrize("rate_hz", [0, 11025, 48000, "16000 Hz", True])
def test_a_rate_that_is_none_of_the_two_is_told(rate_hz: object) -> None:
    with pytest.raises(pydantic.ValidationError, match="rate_hz"):
        Options.model_validate({"name": "t", "kind": "sip", "rate_hz": rate_hz})


def test_known_devices() -> None:
    options = Options(name="t", kind="sip", devices=["50*"])
    assert options.knows("5003")
    assert not options.knows("6003")
    assert not options.knows("")


def test_lines_are_shared_out() -> None:
    plans = share(10, 4)
    assert [[line.name for line in plan.lines] for plan in plans] == [list("0123"), list("4567"), list("89")]
    assert [plan.index for plan in plans] == [0, 1, 2]
    assert {line.rate_hz for plan in share(10, 4, 16000) for line in plan.lines} == {16000}


@pytest.mark.parametrize(
    ("calls", "ports", "fault"),
    [
        (32, {"port": 65_000, "rtp_ports": 60_000}, ""),
        (400, {"rtp_ports": 60_000}, r"rtp_ports: 400 calls need the ports up to 79999; the last is 65535"),
        (2000, {"port": 65_000, "rtp_ports": 1024}, r"port: 2000 calls need the ports up to 65998"),
    ],
)
def test_more_ports_than_there_are_is_told(calls: int, ports: dict[str, Any], fault: str) -> None:
    options = Options(name="t", kind="sip", calls=calls, **ports)
    if not fault:
        check_ports(options, calls // 4, front=True)
        return
    with pytest.raises(TapOptionsError, match=fault):
        check_ports(options, calls // 4, front=False)


def test_no_more_than_the_limit_in_any_second() -> None:
    pace = Pace(2)
    assert [pace.take(at) for at in (0.0, 0.5, 0.9, 1.0, 1.4, 1.5)] == [True, True, False, True, False, True]
    pace = Pace(2, 0.5)
    assert [pace.take(at) for at in (0.0, 0.1, 0.4, 0.5, 0.55, 0.6)] == [True, True, False, True, False, True]


def test_silence_of_numbers_that_begin_anew_is_known_as_such() -> None:
    playing = Reading(packets=60, octets=9600, waiting=20, prefetch=20, empty_ticks=10)
    meter = Meter()
    meter.take(playing)
    after = dataclasses.replace(playing, packets=120, octets=19200, empty_ticks=20, refused=1)
    told = [meter.take(after), meter.take(dataclasses.replace(after, packets=170, octets=27200))]
    assert [change.restarted for change in told if change.inserted_frames] == [True]
    later = dataclasses.replace(after, packets=220, octets=35200, empty_ticks=30)
    told = [meter.take(later), meter.take(dataclasses.replace(later, packets=270, octets=43200))]
    assert [change.restarted for change in told if change.inserted_frames] == [False]


def test_calls_that_come_at_once_leave_room_for_the_sockets_of_those_before() -> None:
    pace = CallPace(20)
    assert [pace.take(0.0) for _ in range(11)] == [True] * 10 + [False]
    assert [pace.take(0.5) for _ in range(11)] == [True] * 10 + [False]
    assert pace.take(1.0)


def test_what_never_came_is_lost_once() -> None:
    meter = Meter()
    readings = [
        Reading(packets=50, octets=8000, missing=3),
        Reading(packets=100, octets=16000, missing=3, silenced=6),
        Reading(packets=150, octets=24000, missing=4, silenced=6),
    ]
    assert [meter.take(reading).lost_frames for reading in readings] == [0, 480, 0]
    assert meter.take(Reading(packets=160, octets=25600, missing=4, silenced=8), last=True).lost_frames == 160


def test_what_comes_out_of_order_is_not_lost() -> None:
    meter = Meter()
    assert meter.take(Reading(packets=50, octets=8000, missing=1)).lost_frames == 0
    assert meter.take(Reading(packets=100, octets=16000, missing=0)).lost_frames == 0
    assert meter.take(Reading(packets=150, octets=24000, missing=0), last=True).lost_frames == 0


def test_where_some_packet_is_always_behind_its_followers_none_is_lost() -> None:
    meter = Meter()
    waiting = [
        Reading(packets=11, octets=1760, missing=1, waiting=22, empty_ticks=12, prefetch=20),
        Reading(packets=17, octets=2720, missing=2, waiting=24, empty_ticks=12, prefetch=20),
        Reading(packets=68, octets=10880, missing=1, waiting=22, empty_ticks=12, prefetch=20),
    ]
    assert [meter.take(reading).lost_frames for reading in waiting] == [0, 0, 0]
    passed = Reading(packets=80, octets=12800, missing=1, silenced=2, waiting=22, empty_ticks=12, prefetch=20)
    assert meter.take(passed).lost_frames == 160


def test_what_no_silence_stands_for_is_lost_when_the_buffer_has_no_room_for_it() -> None:
    meter = Meter()
    meter.take(Reading(packets=40, octets=6400, waiting=20, empty_ticks=12, prefetch=20))
    readings = [Reading(packets=n, octets=160 * n, missing=50, waiting=20, prefetch=20) for n in (60, 80, 100)]
    assert sum(meter.take(reading).absent_frames for reading in readings) == (50 - 10) * 160


def test_too_late_is_lost_although_it_came() -> None:
    assert Meter().take(Reading(packets=50, octets=8000, dropped=2), last=True).lost_frames == 160


def test_what_came_twice_is_not_lost() -> None:
    assert Meter().take(Reading(packets=50, octets=8000, doubled=3, dropped=6), last=True).lost_frames == 0


def test_what_came_twice_hides_no_loss() -> None:
    reading = Reading(packets=50, octets=8000, missing=5, doubled=1, dropped=2, silenced=12)
    assert Meter().take(reading, last=True).lost_frames == 960


def test_packets_of_another_length() -> None:
    assert Meter().take(Reading(packets=100, octets=24000, missing=2), last=True).lost_frames == 480


def test_a_stream_made_anew_loses_what_waited() -> None:
    meter = Meter()
    meter.take(Reading(packets=100, octets=16000, missing=2, waiting=18), last=True)
    change = meter.take(Reading(packets=10, octets=1600, waiting=20))
    assert (change.packets, change.lost_frames) == (10, 18 * 80)


def test_at_16_khz_the_same_counters_are_twice_the_frames() -> None:
    """Every kind of loss in one stream: packets lost, late, out of numbers, an empty buffer, a stream made anew."""
    readings = [
        Reading(packets=10, octets=1600, waiting=20, empty_ticks=10, prefetch=20),
        Reading(packets=60, octets=9600, missing=3, silenced=6, waiting=20, empty_ticks=10, prefetch=20),
        Reading(packets=70, octets=11200, missing=3, silenced=6, waiting=2, empty_ticks=40, prefetch=20),
        Reading(packets=130, octets=20800, missing=3, silenced=6, waiting=50, empty_ticks=45, prefetch=20),
        Reading(packets=180, octets=28800, missing=3, refused=2, dropped=7, silenced=9, waiting=50, empty_ticks=45),
        Reading(packets=230, octets=36800, missing=40, refused=2, dropped=90, silenced=9, waiting=50, empty_ticks=45),
        Reading(packets=280, octets=44800, missing=40, refused=2, dropped=290, silenced=9, waiting=50, empty_ticks=45),
        Reading(packets=330, octets=52800, missing=40, refused=2, dropped=290, silenced=9, waiting=50, empty_ticks=45),
        Reading(packets=5, octets=800, waiting=10, empty_ticks=1, prefetch=20),
        Reading(packets=90, octets=14400, missing=2, silenced=4, waiting=18, empty_ticks=10, prefetch=20),
    ]
    meters, told = {8000: Meter(), 16000: Meter(16000)}, []
    for number, reading in enumerate(readings):
        pair = [meters[rate].take(reading, last=number == len(readings) - 1) for rate in (8000, 16000)]
        facts = [dataclasses.asdict(change) for change in pair]
        for name, value in facts[0].items():
            assert facts[1][name] == (2 * value if name.endswith("frames") else value), name
            told += [name] * bool(value)
        assert meters[16000].left(reading) == 2 * meters[8000].left(reading) == 160 * reading.waiting
        meters[8000].excuse(320)
        meters[16000].excuse(640)
    assert {"lost_frames", "absent_frames", "inserted_frames", "dropped_frames", "silent_frames"} <= set(told)
