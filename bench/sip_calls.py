"""How many SIP calls a machine records: lost frames, lengths, CPU and memory of each part of the box.

Every packet carries its number; the finished files are decoded to count what is missing. The source of the packets
runs on the same machine and says how late it was itself: what it delivers late is not the box's loss.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from typing import Any

from hil.child_box import Part
from hil.load import CallOutcome, run_load
from hil.usage import Usage

SETTLE_S = 1.0
LENGTH_S = 0.1
PARTS: tuple[Part, ...] = ("tap workers", "writer", "core")


def main() -> int:
    """Run it; 0 if every file is whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=15.0, help="length of each call")
    parser.add_argument("--streams", type=int, choices=(1, 2), default=2, help="audio streams a call")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    arguments = parser.parse_args()
    with run_load(arguments.calls, arguments.seconds, arguments.streams) as load:
        print(f"{arguments.calls} calls are being recorded", file=sys.stderr)
        window_s = max(2.0, arguments.seconds - SETTLE_S - arguments.calls * 0.05 - 2)
        usage = load.measure(window_s)
        outcomes = load.finish()
        facts = summarise(outcomes, usage, arguments.streams) | {"source": load.lateness}
    show(facts)
    if arguments.json:
        print(json.dumps(facts))
    return 0 if facts["whole"] == arguments.calls else 1


def summarise(outcomes: list[CallOutcome], usage: Usage, streams: int) -> dict[str, Any]:
    """Put the figures together."""
    recorded = [o for o in outcomes if not o.trouble]
    errors_s = [abs(o.length_s - o.call_s) for o in recorded]
    whole = [o for o in recorded if not (o.lost or o.doubled or o.slips or o.interrupted)]
    return {
        "calls": len(outcomes),
        "streams": streams,
        "recorded": len(recorded),
        "whole": sum(abs(o.length_s - o.call_s) <= LENGTH_S for o in whole),
        "packets_sent": sum(o.sent for o in recorded),
        "frames_lost": sum(o.lost for o in recorded),
        "frames_doubled": sum(o.doubled for o in recorded),
        "slips": sum(o.slips for o in recorded),
        "worst_length_error_s": round(max(errors_s, default=0.0), 3),
        "cpu_percent_a_call": {p: round(usage.cpu_percent[p] / len(outcomes), 3) for p in PARTS},
        "cpu_percent": {p: round(usage.cpu_percent[p], 2) for p in PARTS},
        "memory_mib": {p: round(usage.memory_mib[p], 1) for p in PARTS},
        "processes": {p: usage.processes[p] for p in PARTS},
        "machine_busy_percent": usage.machine_busy_percent,
        "window_s": round(usage.window_s, 1),
        "troubles": [dataclasses.asdict(o) for o in outcomes if o.trouble or o not in whole][:10],
    }


def show(facts: dict[str, Any]) -> None:
    """Print the figures for people."""
    print(f"calls            {facts['calls']} of {facts['streams']} streams, {facts['recorded']} recorded")
    print(f"whole files      {facts['whole']}, length wrong by {facts['worst_length_error_s']} s at most")
    lost = f"{facts['frames_lost']} lost, {facts['frames_doubled']} doubled, {facts['slips']} slips"
    print(f"packets          {facts['packets_sent']} sent, {lost}")
    for part in PARTS:
        cpu, a_call = facts["cpu_percent"][part], facts["cpu_percent_a_call"][part]
        memory, count = facts["memory_mib"][part], facts["processes"][part]
        print(f"{part:16} {cpu:6.2f} % of a core ({a_call:.3f} a call), {memory:7.1f} MiB in {count} processes")
    print(f"machine          {facts['machine_busy_percent']} % busy")
    print(f"source           {facts['source']}")


if __name__ == "__main__":
    raise SystemExit(main())
