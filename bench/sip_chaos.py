"""SIPREC calls while workers and Kamailio are killed at random: what dies with them, and that all else is whole.

The kills are drawn from a seed. A call whose worker was killed has to hold its packets up to the jitter buffer and
150 ms before the kill, and its record has to say that it was interrupted; every other call has to hold every packet.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import time
from typing import Any

from hil.chaos import VICTIMS, Verdict, carry_out, judge_all, plan_kills
from hil.load import STAGGER_S, run_load

JITTER_MS = 200
WORKER_MS = 150


def main() -> int:
    """Run it; 0 if every call's file is as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long all calls are up at once")
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--victims", default=",".join(VICTIMS), help="what may be killed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    arguments = parser.parse_args()
    facts = run(arguments)
    for name, value in facts.items():
        print(f"{name:22} {value}")
    if arguments.json:
        print(json.dumps(facts))
    return 0 if facts["as_it_has_to_be"] == arguments.calls else 1


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the calls and the kills; gives what became of them."""
    victims = [victim for victim in VICTIMS if victim in arguments.victims.split(",")]
    plan = plan_kills(arguments.seed, arguments.kills, arguments.seconds, victims)
    with run_load(arguments.calls, arguments.seconds + arguments.calls * STAGGER_S, front=True) as load:
        kills = carry_out(load.box, plan, arguments.seed, time.monotonic())
        verdicts = judge_all(load, kills, JITTER_MS + WORKER_MS)
        log = load.box.log_path.read_text(errors="replace")
    return summarise(verdicts) | {
        "kills": dict(collections.Counter(kill.victim for kill in kills)),
        "lines_of_the_log": len(log.splitlines()),
        "source": load.lateness,
        "seed": arguments.seed,
    }


def summarise(verdicts: list[Verdict]) -> dict[str, Any]:
    """Put the figures together."""
    killed = [verdict for verdict in verdicts if verdict.killed]
    short_ms = [verdict.short_ms for verdict in killed]
    return {
        "calls": len(verdicts),
        "as_it_has_to_be": sum(not verdict.fault for verdict in verdicts),
        "calls_killed": len(killed),
        "of_them_told_by_bye": sum(verdict.told for verdict in killed),
        "whole": sum(not verdict.killed and not verdict.fault for verdict in verdicts),
        "last_packet_before_kill_ms": {"most": max(short_ms, default=0.0), "least": min(short_ms, default=0.0)},
        "faults": [dataclasses.asdict(verdict) for verdict in verdicts if verdict.fault][:10],
    }


if __name__ == "__main__":
    raise SystemExit(main())
