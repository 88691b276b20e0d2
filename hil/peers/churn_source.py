"""A source of short calls that come at an even pace, each told about as it ends: for hours of load.

    python -m hil.peers.churn_source --to sip:rec@127.0.0.1:5060 --calls-per-s 10 --seconds 3600 --call-s 2

Prints a JSON object a call as it ends, and one of the source's own lateness last. SIGTERM ends it early: calls that
are up are told too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import random
import signal
import time
from typing import Final

from hil.peers.packet_clock import PACKET_S
from hil.peers.rtp_source import RtpSource, SourceCall

LONGEST: Final = 1.5  # times the mean length of a call


async def churn(arguments: argparse.Namespace) -> None:
    """Place calls at the pace until the time is over, and wait for the last."""
    draw = random.Random(arguments.seed)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    source = RtpSource((), longest=round(arguments.call_s * LONGEST / PACKET_S) + 1)
    begun_s, tasks = time.monotonic(), set[asyncio.Task[None]]()
    async with source:
        for number in range(round(arguments.calls_per_s * arguments.seconds)):
            wait_s = begun_s + number / arguments.calls_per_s - time.monotonic()
            if stop.is_set() or await _stopped(stop, wait_s):
                break
            packets = max(1, round(draw.uniform(0.5, LONGEST) * arguments.call_s / PACKET_S))
            tasks.add(task := asyncio.create_task(_place(source, _call(arguments, number, packets))))
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    print(json.dumps(source.lateness()), flush=True)  # noqa: T201 -- a program that prints


async def _stopped(stop: asyncio.Event, wait_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), max(0.0, wait_s))
        return True
    return False


async def _place(source: RtpSource, call: SourceCall) -> None:
    result = await source.place(call)
    print(json.dumps({**dataclasses.asdict(result), "agent": call.agent}), flush=True)  # noqa: T201 -- the same


def _call(arguments: argparse.Namespace, number: int, packets: int) -> SourceCall:
    device = arguments.agent.replace("{n}", str(number % arguments.agents))
    return SourceCall(number, arguments.to, streams=2, packets=packets, agent=device, headers={"X-Call": str(number)})


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Place short SIPREC calls at an even pace.")
    parser.add_argument("--to", required=True, help="SIP URI")
    parser.add_argument("--calls-per-s", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--call-s", type=float, default=2.0, help="mean length; calls are half to one and a half of it")
    parser.add_argument("--agent", default="7{n}", help="device of a call; {n} goes round through --agents")
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    asyncio.run(churn(parser.parse_args()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
