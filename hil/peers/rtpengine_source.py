"""The source of calls for rtpengine: the same packets as ``rtp_source`` sends, placed by its control protocol.

    python -m hil.peers.rtpengine_source --control 127.0.0.1:22222 --calls 20 --seconds 60

What rtpengine relays is taken by a socket that nobody reads, as a phone takes it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
from typing import Any

from hil.peers.packet_clock import PACKET_S, CallMedia, PacketClock
from hil.peers.rtpengine import Ng
from hil.peers.sip_uac import Address, offer_audio


async def send_calls(control: Address, calls: int, streams: int, packets: int, stagger_s: float) -> list[Any]:
    """Place calls, send their packets and end them; gives one result a call, and the source's own lateness last."""
    clock = PacketClock(packets)
    clock.start()
    with Ng(control) as ng, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        sink.bind(("127.0.0.1", 0))
        placed = []
        for number in range(calls):
            offer = offer_audio(clock.port, streams)
            answer = offer_audio(sink.getsockname()[1], streams, direction="recvonly")
            targets = ng.open_call(f"call{number}", offer, answer)
            placed.append((number, targets, clock.begin(targets, packets)))
            await asyncio.sleep(stagger_s)
        results = [await _end(ng, number, targets, media) for number, targets, media in placed]
    await asyncio.to_thread(clock.close)
    return [
        *results,
        {"max_late_ms": round(clock.max_late_ms, 2), "late_turns": clock.late_turns, "turns": clock.turns},
    ]


async def _end(ng: Ng, number: int, targets: tuple[Address, ...], media: CallMedia) -> dict[str, Any]:
    await media.done.wait()
    await asyncio.sleep(PACKET_S)
    ng.ask(command="delete", call_id=f"call{number}", from_tag="a")
    return {"number": number, "ports": [port for _, port in targets], "packets_sent": media.sent}


def main() -> int:
    """Place the calls of the command line; prints a JSON object a call and one of the source's own lateness."""
    parser = argparse.ArgumentParser(description="Place many calls through rtpengine, recorded by it.")
    parser.add_argument("--control", required=True, help="HOST:PORT of its control protocol")
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--streams", type=int, choices=(1, 2), default=2)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--stagger", type=float, default=0.05, help="seconds between the beginnings of two calls")
    options = parser.parse_args()
    host, _, port = options.control.partition(":")
    packets = round(options.seconds / PACKET_S)
    sending = send_calls((host, int(port)), options.calls, options.streams, packets, options.stagger)
    for result in asyncio.run(sending):
        print(json.dumps(result), flush=True)  # noqa: T201 -- a program that prints
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
