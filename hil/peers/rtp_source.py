"""A light source of calls for load: N calls at once, one or two streams each, whose packets carry their number.

A minimal SIP client (``sip_uac``) places the calls, one thread (``packet_clock``) sends all their packets; the
recorded files, decoded by :func:`appliance.audio.measure.read_coded`, tell which packets arrived. It knows no jitter,
no codec but G.711 µ-law and G.722, and sends only: use ``sip_caller`` where a real SIP stack matters.

    python -m hil.peers.rtp_source --to sip:{n}@127.0.0.1:5060 --calls 20 --streams 2 --seconds 60
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, final

from hil.peers.packet_clock import PACKET_S, PacketClock
from hil.peers.sip_uac import CallRefusedError, Dialog, Uac, offer_audio

DRAIN_S = 0.03  # between the last packet and BYE


@final
@dataclasses.dataclass(frozen=True, slots=True)
class SourceCall:
    """One call to place."""

    number: int
    uri: str
    streams: int = 1
    packets: int = 500
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    user: str = "source"
    begin_after_s: float = 0.0
    agent: str = ""  # of a SIPREC call, its user; else a plain call


@final
@dataclasses.dataclass(frozen=True, slots=True)
class SourceResult:
    """What became of a call. ``packets_sent`` counts those of each stream; times are CLOCK_MONOTONIC.

    The media ran from ``begun_at_s`` to ``ended_at_s`` (first and last packet), the call from ``answered_at_s`` to
    ``bye_at_s`` (when BYE was sent).
    """

    number: int
    code: int
    reason: str
    streams: int = 0
    packets_sent: int = 0
    begun_at_s: float = 0.0
    ended_at_s: float = 0.0
    answered_at_s: float = 0.0
    bye_at_s: float = 0.0
    bye_code: int = 0

    @property
    def call_s(self) -> float:
        """How long the call was up, in seconds."""
        return self.bye_at_s - self.answered_at_s


Listener = Callable[[str, SourceCall], Awaitable[None]]


@final
class RtpSource:
    """Places calls and sends their media. ``told`` is awaited with "answered" and "sent" for each call.

    ``longest`` is the most packets that a stream of theirs has, where more calls come than those given here.
    """

    def __init__(
        self, calls: Sequence[SourceCall], told: Listener | None = None, *, longest: int = 0, codec: str = "PCMU"
    ) -> None:
        self._calls = list(calls)
        self._told = told
        self._uac = Uac()
        self._codec = codec
        self._clock = PacketClock(max([longest, *(call.packets for call in calls)]), codec)

    async def run(self) -> list[SourceResult]:
        """Place all calls and wait for their end; results are in the order of the calls."""
        async with self:
            return list(await asyncio.gather(*(self.place(call) for call in self._calls)))

    async def __aenter__(self) -> Self:
        await self._uac.open()
        self._clock.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._clock.close)
        self._uac.close()

    def lateness(self) -> dict[str, Any]:
        """How late the source itself was: greatest in ms, and turns later than 5 ms of all turns."""
        clock = self._clock
        return {"max_late_ms": round(clock.max_late_ms, 2), "late_turns": clock.late_turns, "turns": clock.turns}

    async def place(self, call: SourceCall) -> SourceResult:
        """Place one call and wait for its end."""
        await asyncio.sleep(call.begin_after_s)
        offer = offer_audio(self._clock.port, call.streams, codec=self._codec)
        try:
            dialog = await self._uac.invite(
                call.uri, _proxy_of(call.uri), call.user, call.headers, offer, agent=call.agent
            )
        except CallRefusedError as refusal:
            return SourceResult(call.number, refusal.code, refusal.reason)
        return await self._feed(call, dialog)

    async def _feed(self, call: SourceCall, dialog: Dialog) -> SourceResult:
        answered_at_s = time.monotonic()
        targets = [target for target in dialog.media if target[1]]
        media = self._clock.begin(targets, call.packets)
        await self._tell("answered", call)
        sent, ended = asyncio.ensure_future(media.done.wait()), asyncio.ensure_future(dialog.ended.wait())
        await asyncio.wait((sent, ended), return_when=asyncio.FIRST_COMPLETED)
        self._clock.cancel(media)
        await media.done.wait()
        if self._clock.failure is not None:
            raise self._clock.failure
        ended.cancel()
        await asyncio.sleep(DRAIN_S)
        bye_at_s = time.monotonic()
        bye_code = await self._uac.bye(dialog)
        await self._tell("sent", call)
        return SourceResult(
            call.number,
            200,
            "OK",
            streams=len(targets),
            packets_sent=media.sent,
            begun_at_s=media.begun_at_s,
            ended_at_s=media.ended_at_s,
            answered_at_s=answered_at_s,
            bye_at_s=bye_at_s,
            bye_code=bye_code,
        )

    async def _tell(self, what: str, call: SourceCall) -> None:
        if self._told is not None:
            await self._told(what, call)


def _proxy_of(uri: str) -> tuple[str, int]:
    found = re.search(r"@([^:;>]+)(?::(\d+))?", uri)
    if found is None:
        raise ValueError(f"no host in {uri!r}")
    return found.group(1), int(found.group(2) or 5060)


def main() -> int:
    """Place the calls of the command line; prints a JSON object a call and one of the source's own lateness."""
    parser = argparse.ArgumentParser(description="Place many SIP calls whose RTP packets carry their number.")
    parser.add_argument("--to", action="append", required=True, help="SIP URI; {n} is the call; several take turns")
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--streams", type=int, choices=(1, 2), default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--header", action="append", default=[], help="NAME: VALUE; {n} is the call's number")
    parser.add_argument("--agent", default="", help="send SIPREC calls, whose agent this is; {n} is the call's number")
    parser.add_argument("--stagger", type=float, default=0.05, help="seconds between the beginnings of two calls")
    parser.add_argument("--codec", choices=("PCMU", "G722"), default="PCMU")
    arguments = parser.parse_args()
    headers = dict(header.split(":", 1) for header in arguments.header)
    calls = [
        SourceCall(
            number=n,
            uri=arguments.to[n % len(arguments.to)].replace("{n}", str(n)),
            streams=arguments.streams,
            packets=round(arguments.seconds / PACKET_S),
            headers={k.strip(): v.strip().replace("{n}", str(n)) for k, v in headers.items()},
            begin_after_s=n * arguments.stagger,
            agent=arguments.agent.replace("{n}", str(n)),
        )
        for n in range(arguments.calls)
    ]
    source = RtpSource(calls, codec=arguments.codec)
    results = asyncio.run(source.run())
    for result in results:
        print(json.dumps(dataclasses.asdict(result)))  # noqa: T201 -- a program that prints
    print(json.dumps(source.lateness()))  # noqa: T201 -- the same
    return 0 if all(r.code == 200 and r.bye_code == 200 for r in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
