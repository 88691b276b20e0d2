"""How many SIP calls come through the front by one port, and what each part of the box costs: a series of loads.

The packets carry their number, as in ``sip_calls.py``; what is counted and shown is the same, and the front besides.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from bench.sip_calls import LENGTH_S, SETTLE_S, show, summarise
from hil.load import run_load


def main() -> int:
    """Run the loads one after the other; 0 if every file of every load is whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", default="4,20", help="numbers of calls, one load each")
    parser.add_argument("--seconds", type=float, default=12.0, help="length of each call")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    arguments = parser.parse_args()
    loads = [run(int(calls), arguments.seconds) for calls in arguments.calls.split(",")]
    if arguments.json:
        print(json.dumps({"loads": loads}))
    return 0 if all(facts["whole"] == facts["calls"] for facts in loads) else 1


def run(calls: int, seconds: float) -> dict[str, Any]:
    """Run one load; gives and prints its figures. Calls begin 50 ms apart and are long enough to be all up at once."""
    length_s = seconds + calls * 0.05
    with run_load(calls, length_s, front=True) as load:
        print(f"{calls} calls are being recorded", file=sys.stderr)
        usage = load.measure(max(2.0, seconds - SETTLE_S - 2))
        facts = summarise(load.finish(), usage, load.streams) | {"source": load.lateness}
    front = {"cpu_percent": usage.cpu_percent["other"], "memory_mib": usage.memory_mib["other"]}
    facts["front"] = {name: round(value, 2) for name, value in front.items()}
    show(facts)
    cost = f"{front['cpu_percent']:6.2f} % of a core, {front['memory_mib']:7.1f} MiB"
    print(f"front            {cost} in {usage.processes['other']} processes")
    print(f"length           right to {LENGTH_S} s where a file counts as whole\n")
    return facts


if __name__ == "__main__":
    raise SystemExit(main())
