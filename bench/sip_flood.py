"""SIPREC calls while INVITEs flood in, from an address that is no peer and from one that is: what the calls lose.

The flood asks for a device that the box does not know, so that no call of it is taken.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import Any

from bench.sip_calls import summarise
from hil.child_box import HOST, ROOT
from hil.load import STAGGER_S, run_load

PEER, STRANGER = "127.0.0.9", "127.0.0.66"
BEGIN_S = 2.0


def main() -> int:
    """Run both floods; 0 if no call lost anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=12.0, help="how long all calls are up at once")
    parser.add_argument("--per-s", type=float, default=2000)
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    arguments = parser.parse_args()
    floods = {name: run(arguments, address) for name, address in (("stranger", STRANGER), ("peer", PEER))}
    if arguments.json:
        print(json.dumps(floods))
    return 0 if all(unharmed(facts) for facts in floods.values()) else 1


def unharmed(facts: dict[str, Any]) -> bool:
    """Whether every call was recorded, and every packet of it stands once and in its place."""
    harm = ("frames_lost", "frames_doubled", "slips")
    return facts["recorded"] == facts["calls"] and not any(facts[name] for name in harm)


def run(arguments: argparse.Namespace, address: str) -> dict[str, Any]:
    """Run the calls under a flood from the address; gives and prints what became of them."""
    tap = {"peers": [HOST, PEER], "unknown_devices": "refuse", "devices": ["7*"]}
    length_s = arguments.seconds + arguments.calls * STAGGER_S
    with run_load(arguments.calls, length_s, front=True, tap=tap) as load:
        time.sleep(BEGIN_S)
        seconds = arguments.seconds - 2 * BEGIN_S
        command = [sys.executable, "-m", "hil.peers.invite_flood", f"--to={HOST}:{load.port}", f"--from={address}"]
        command += [f"--per-s={arguments.per_s}", f"--seconds={seconds}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as flood:
            usage = load.measure(max(1.0, seconds - 1))
            said, _ = flood.communicate(timeout=seconds + 30)
        facts = summarise(load.finish(), usage, load.streams) | {"source": load.lateness, "flood": json.loads(said)}
    facts["cpu_percent"] = {part: round(value, 1) for part, value in usage.cpu_percent.items()}
    names = ("calls", "whole", "frames_lost", "flood", "cpu_percent", "machine_busy_percent", "source", "troubles")
    print(f"from {address}: { ({name: facts[name] for name in names}) }")
    return facts


if __name__ == "__main__":
    raise SystemExit(main())
