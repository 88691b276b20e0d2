"""How many SIPREC calls come through the front by one port, and what each part of the box costs: a series of loads.

Beside it, under the same load in the same run: Debian's rtpengine, which relays the calls and records them into pcap
files. The packets carry their number, as in ``sip_calls.py``; of rtpengine's files the RTP numbers are counted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from bench.sip_calls import LENGTH_S, SETTLE_S, show, summarise
from hil.load import run_load
from hil.peers.rtpengine import Rtpengine
from hil.rtpengine_load import run_rtpengine
from hil.usage import Usage

STAGGER_S = 0.05
HELD_BACK_S = 10.0


def main() -> int:
    """Run the loads one after the other; 0 if every file of every load is whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", default="4,20", help="numbers of calls, one load each")
    parser.add_argument("--seconds", type=float, default=16.0, help="how long all calls are up at once")
    parser.add_argument("--rate", type=int, choices=(8000, 16000), default=8000, help="frames a second that are stored")
    parser.add_argument("--codec", choices=("PCMU", "G722"), default="PCMU", help="of the calls; rtpengine gets PCMU")
    parser.add_argument("--no-peer", action="store_true", help="leave rtpengine out")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    arguments = parser.parse_args()
    with_peer = not arguments.no_peer and Rtpengine.installed()
    kind = {"codec": arguments.codec, "rate_hz": arguments.rate}
    loads = [run(int(calls), arguments.seconds, with_peer=with_peer, **kind) for calls in arguments.calls.split(",")]
    if arguments.json:
        print(json.dumps({"loads": loads}))
    return 0 if all(facts["whole"] == facts["calls"] for facts in loads) else 1


def run(calls: int, seconds: float, *, with_peer: bool, codec: str, rate_hz: int) -> dict[str, Any]:
    """Run one load; gives and prints its figures. Calls begin 50 ms apart and are long enough to be all up at once."""
    length_s, window_s = seconds + calls * STAGGER_S, max(2.0, seconds - HELD_BACK_S - SETTLE_S - 2)
    tap = {"rate_hz": rate_hz, "codecs": ["G722", "PCMU", "PCMA"]}
    with run_load(calls, length_s, front=True, codec=codec, tap=tap) as load:
        print(f"{calls} calls are being recorded", file=sys.stderr)
        time.sleep(min(HELD_BACK_S, max(0.0, seconds - window_s - SETTLE_S)))  # before that nothing reaches the disk
        usage = load.measure(window_s)
        facts = summarise(load.finish(), usage, load.streams) | {"source": load.lateness}
    facts |= {"codec": codec, "rate_hz": rate_hz}
    facts |= {"front": costs(usage, "other"), "cost": profile(usage, calls)}
    show(facts)
    print(f"stored           {codec} at {rate_hz} Hz")
    print(f"front            {facts['front']}")
    print(f"cost             {facts['cost']}")
    print(f"length           right to {LENGTH_S} s where a file counts as whole")
    if with_peer:
        facts["rtpengine"] = run_peer(calls, length_s, window_s)
        print(f"rtpengine        {facts['rtpengine']}")
    print()
    return facts


def profile(usage: Usage, calls: int) -> dict[str, Any]:
    """Where the machine's time goes: what each part took a call, and the memory and write calls beside it."""
    return {
        "cpu_percent": {part: round(value, 1) for part, value in usage.cpu_percent.items()},
        "cpu_percent_a_call": round(sum(v for p, v in usage.cpu_percent.items() if p != "source") / calls, 3),
        "memory_mib_a_call": round(sum(v for p, v in usage.memory_mib.items() if p != "source") / calls, 2),
        "write_calls_per_s": {part: round(value, 1) for part, value in usage.writes_per_s.items()},
        "disk_writes_per_s": round(usage.disk_writes_per_s, 1),
    }


def run_peer(calls: int, length_s: float, window_s: float) -> dict[str, Any]:
    """Give rtpengine the same load."""
    outcome = run_rtpengine(calls, length_s, window_s)
    return {
        "calls": outcome.calls,
        "whole": outcome.whole_calls,
        "packets_sent": outcome.sent,
        "frames_lost": outcome.lost,
        **costs(outcome.usage, "rtpengine"),
        "cpu_percent_a_call": round(outcome.usage.cpu_percent["rtpengine"] / calls, 3),
        "disk_writes_per_s": round(outcome.usage.disk_writes_per_s, 1),
        "recorded_mib": round(outcome.recorded_bytes / 2**20, 1),
        "machine_busy_percent": outcome.usage.machine_busy_percent,
        "source": outcome.lateness,
    }


def costs(usage: Usage, part: str) -> dict[str, Any]:
    """What one part used."""
    return {
        "cpu_percent": round(usage.cpu_percent[part], 2),
        "memory_mib": round(usage.memory_mib[part], 2),
        "write_calls_per_s": round(usage.writes_per_s[part], 1),
        "processes": usage.processes[part],
    }


if __name__ == "__main__":
    raise SystemExit(main())
