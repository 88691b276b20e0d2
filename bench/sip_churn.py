"""Short SIPREC calls by the thousand, for as long as one likes: nothing may leak, and no worker may die unnoticed.

Every file is decoded and removed. Each minute a row for each part of the box: memory, descriptors, threads.
"""

from __future__ import annotations

import argparse
import collections
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from hil.child_box import HOST, ChildBox
from hil.churn import Churn, watch_box
from hil.ports import free_sip_port

MOST_GROWTH_PERCENT = 5.0
MOST_FDS = 1  # what the first call opens: the journal of events, the folder that the writer wrote to last
SETTLE_S = 5.0


def main() -> int:
    """Run it; 0 if every call has its file, no worker died, and nothing grew in the second half."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls-per-s", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--call-s", type=float, default=2.0, help="mean length of a call")
    parser.add_argument("--every-s", type=float, default=60.0, help="how often the box is looked at")
    parser.add_argument("--worker-age-s", type=float, default=0.0, help="renew workers of this age; 0: never")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    arguments = parser.parse_args()
    facts = run(arguments)
    if arguments.json:
        print(json.dumps(facts))
    return 0 if facts["whole"] else 1


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run a box under churn; gives and prints what it did."""
    calls = round(arguments.calls_per_s * (arguments.call_s * 1.5 + 1)) + 8
    port = free_sip_port(-(-calls // 4))
    tap = {"name": "trunk", "kind": "sip", "port": port, "calls": calls, "front": "kamailio", "starts_calls": True}
    if arguments.worker_age_s:
        tap["worker_age_s"] = arguments.worker_age_s
    options = [f"--to=sip:rec@{HOST}:{port}", f"--seconds={arguments.seconds}", f"--call-s={arguments.call_s}"]
    options += [f"--calls-per-s={arguments.calls_per_s}", f"--seed={arguments.seed}"]
    samples: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="linetap-bench-") as folder:
        sections = {"recording": {"reserve_mb": 10, "holdback_s": 2}}
        with ChildBox(Path(folder), taps=[tap], sections=sections) as box:
            churn = Churn(box, options)
            try:
                watch(box, churn, samples, arguments.every_s)
                churn.finish()
                time.sleep(SETTLE_S)
                samples.append(look(box, churn, "end"))
            finally:
                churn.close()
    return summarise(arguments, churn, samples)


def watch(box: ChildBox, churn: Churn, samples: list[dict[str, Any]], every_s: float) -> None:
    """Look at the box again and again until the last call was placed."""
    begun_s = time.monotonic()
    while churn.running():
        samples.append(look(box, churn, f"{time.monotonic() - begun_s:.0f} s"))
        due_s = begun_s + len(samples) * every_s
        while churn.running() and time.monotonic() < due_s:
            time.sleep(0.2)


def look(box: ChildBox, churn: Churn, when: str) -> dict[str, Any]:
    """Take one look and print it."""
    sample = {"when": when, **watch_box(box), **churn.tally.facts()}
    groups = collections.defaultdict(list)
    for row in sample["processes"]:
        groups[row["part"]].append(row)
    sums = [
        f"{part} {len(rows)} x {max(r['mib'] for r in rows):.1f} MiB, {sum(r['fds'] for r in rows)} fds"
        for part, rows in groups.items()
    ]
    counts = [
        f"{name} {sample[name]}" for name in ("recorded", "lost", "restarts", "renewed", "spool_sessions", "files")
    ]
    print(f"{when:>8}  {'; '.join(sums)}; {', '.join(counts)}", flush=True)
    return sample


def summarise(arguments: argparse.Namespace, churn: Churn, samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the figures together."""
    last = samples[-1]
    tally = churn.tally
    grown = {part: growth(samples, part) for part in ("core", "tap workers", "writer", "other")}
    clean = not tally.refused and tally.recorded == tally.answered and not tally.interrupted
    enough = len(samples) > 4  # less than that, memory is still being taken for the first time
    kept = last["spool_sessions"] == 0 and last["restarts"] == 0
    level = not enough or all(g["mib_percent"] <= MOST_GROWTH_PERCENT and g["fds"] <= MOST_FDS for g in grown.values())
    facts = {
        "calls_per_s": arguments.calls_per_s,
        "seconds": arguments.seconds,
        **tally.facts(),
        "restarts": last["restarts"],
        "renewed": last["renewed"],
        "spool_sessions_left": last["spool_sessions"],
        "channels_idle_at_end": last["channels_idle"],
        "grown": grown,
        "source": churn.lateness,
        "whole": all((clean, kept, level, not tally.lost)),
        "samples": samples,
    }
    for name, value in facts.items():
        if name != "samples":
            print(f"{name:22} {value}", file=sys.stdout)
    return facts


def growth(samples: list[dict[str, Any]], part: str) -> dict[str, float]:
    """How much a part grew: its largest process from the third quarter to the last, its descriptors since it was idle.

    The median of each quarter, since an allocator takes and gives some 20 MiB as it likes.
    """
    largest = [max((r["mib"] for r in sample["processes"] if r["part"] == part), default=0.0) for sample in samples]
    quarter = max(1, len(samples) // 4)
    before, after = (statistics.median(some) for some in (largest[-2 * quarter : -quarter], largest[-quarter:]))
    idle, end = (sum(r["fds"] for r in s["processes"] if r["part"] == part) for s in (samples[0], samples[-1]))
    return {"mib_percent": round(100 * (after - before) / before, 1) if before else 0.0, "fds": end - idle}


if __name__ == "__main__":
    raise SystemExit(main())
