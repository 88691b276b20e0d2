"""Both legs stay right and in step over a network that loses, delays and reorders, through hold and removed streams.

The network is a simulator, ``hil.peers.rough_network``: it knows which packets it dropped, so that the loss told in
the record is held against the loss made, packet by packet.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallArrived, CallLeft, LossReason
from hil.peers.rough_network import PathReport, RoughNetwork, RoughPlan
from hil.peers.siprec_client import SiprecClient
from tests.wires.sip.metadata import document

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

FRAME = 160
RATE_HZ = 8000
STEP = FRAME + 16  # frames: 20 ms, and 2 ms between the beginnings of the legs' files
OUT_S = 0.35  # until the network and the jitter buffer hold nothing more

PLANS = {
    "smooth": RoughPlan(seed=1),
    "loss of 5 %": RoughPlan(seed=2, loss=0.05),
    "reordering": RoughPlan(seed=3, reordered=0.2),
    "jitter to 100 ms": RoughPlan(seed=4, jitter_ms=100),
}
ALL_AT_ONCE = RoughPlan(seed=5, loss=0.05, reordered=0.05, jitter_ms=60)


class Stretch(NamedTuple):
    """Packets that are sent without a break, on which leg (None: both), and what is offered before."""

    first: int
    end: int
    leg: int | None = None
    directions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ("1", "2")


HOLD = [
    Stretch(0, 75),
    Stretch(75, 110, 1, ("inactive", "sendonly")),
    Stretch(110, 185, None, ("sendonly", "sendonly")),
]
REMOVAL = [
    Stretch(0, 75),
    Stretch(75, 110, 1, ("removed", "sendonly")),
    Stretch(110, 185, None, ("removed", "sendonly", "sendonly"), ("-", "2", "1")),
]


async def call(trunk: Any, caller: Any, plan: RoughPlan, stretches: list[Stretch]) -> tuple[str, list[PathReport]]:
    """Record a call over such a network; gives its session, and what the network did on each leg."""
    with RoughNetwork(plan) as network:
        async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
            await client.begin(document())
            for stretch in stretches:
                if stretch.directions:
                    assert await client.offer(stretch.directions, stretch.labels) == 200
                by_label = dict(zip(stretch.labels, client.media, strict=True))
                client.media = network.lead([by_label.get(label, ("127.0.0.1", 9)) for label in ("1", "2")])
                await caller.send(client, range(stretch.first, stretch.end), slot=stretch.leg)
                await asyncio.sleep(OUT_S)
            assert await client.end() == 200
    arrived = [fact for fact in trunk.all(CallArrived) if fact.reference == client.call_id]
    return str(arrived[0].session), network.report


class Losses(NamedTuple):
    """What a network did to one stream: what is missing in the file, and how much of that anybody can know of.

    ``numbers`` are the packets sent to the network, ``early`` those that were overtaken before the first one of their
    stretch came: an empty jitter buffer begins with the one that comes first. Nobody knows of what was dropped before
    that one, or behind the last.
    """

    numbers: range
    missing: set[int]
    known: set[int]
    early: set[int]


def losses(report: PathReport, leg: int, stretches: list[Stretch]) -> list[Losses]:
    mine = [range(stretch.first, stretch.end) for stretch in stretches if stretch.leg in {None, leg}]
    # leg 1 goes on through all stretches as one stream, leg 0 begins a new one with each of its own
    streams = [range(mine[0].start, mine[-1].stop)] if leg == 1 else mine
    return [_losses_in(report, numbers, mine) for numbers in streams]


def _losses_in(report: PathReport, numbers: range, stretches: list[range]) -> Losses:
    early = set()
    for stretch in stretches:
        came = [number for number in report.sent if number in stretch and number in numbers]
        early |= {number for number in came if number < came[0]}
    came = [number for number in report.sent if number in numbers]
    dropped = {number for number in report.dropped if number in numbers}
    known = {number for number in dropped if came[0] < number < max(came)}
    return Losses(numbers, dropped | early, known | early, early)


def check(trunk: Any, session: str, reports: list[PathReport], stretches: list[Stretch]) -> None:
    legs = trunk.legs(session)
    places = [check_leg(legs[n], n, report, stretches) for n, report in enumerate(reports)]
    in_both = places[0].keys() & places[1].keys()
    apart = {number: places[0][number] - places[1][number] for number in in_both}
    assert max(map(abs, apart.values())) <= STEP, apart
    assert abs(len(legs[0].pcm) - len(legs[1].pcm)) <= STEP


def check_leg(leg: Any, number: int, report: PathReport, stretches: list[Stretch]) -> dict[int, int]:
    """Check what is in a leg and what is told of it; gives the place of each packet."""
    found = read_coded(leg.pcm, number)
    assert not found.doubled
    places = dict(zip(found.numbers.tolist(), found.positions.tolist(), strict=True))
    streams = losses(report, number, stretches)
    begins = [0, *(max(places[n] for n in stream.numbers if n in places) + FRAME for stream in streams[:-1])]
    lost = [loss for loss in leg.losses if loss.reason is LossReason.PACKETS_LOST]
    for stream, begin, end in zip(streams, begins, [*begins[1:], len(leg.pcm)], strict=True):
        told = sum(loss.frames for loss in lost if begin <= loss.at_frame < end)
        check_stream(stream, places, told, [stretch.first for stretch in stretches])
    assert not [loss for loss in lost if loss.at_frame >= len(leg.pcm)]
    return places


def check_stream(made: Losses, places: dict[int, int], told: int, firsts: list[int]) -> None:
    lost = set(made.numbers) - places.keys()
    refused = lost - made.missing  # a second packet that comes out of order within a few ms of a stretch's first
    assert made.missing <= lost
    assert refused <= {number for first in firsts for number in range(first, first + 5)}
    # an early packet is one more that came: it may hide one that did not, which is then told as no media; and one
    # that comes within the first few ms is refused, and may be told as missing too
    most, least = len(made.known | refused) + len(made.early), len(made.known - made.early)
    assert FRAME * least <= told <= FRAME * most, (made, refused, told, places)


@pytest.mark.parametrize("stretches", [HOLD, REMOVAL], ids=["hold and resume", "a stream removed and added"])
async def test_legs_are_right_and_in_step(trunk: Any, caller: Any, stretches: list[Stretch]) -> None:
    calls = [call(trunk, caller, plan, stretches) for plan in PLANS.values()]
    results = dict(zip(PLANS, await asyncio.wait_for(asyncio.gather(*calls), 60), strict=True))
    await trunk.wait(CallLeft, len(PLANS))
    for name, (session, reports) in results.items():
        assert any(report.dropped for report in reports) == (PLANS[name].loss > 0)
        assert any(report.overtaken for report in reports) == (PLANS[name].reordered + PLANS[name].jitter_ms > 0)
        check(trunk, session, reports, stretches)


async def test_all_of_it_at_once(trunk: Any, caller: Any) -> None:
    session, reports = await call(trunk, caller, ALL_AT_ONCE, HOLD)
    check(trunk, session, reports, HOLD)
