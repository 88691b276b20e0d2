"""Session timers (RFC 4028) with SIPp as the caller. The calls that take a minute run beside everything else here."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from drivers.contract import LineFault
from hil.peers.sipp import Sipp
from tests.wires.front import conftest as front
from tests.wires.sip import conftest as plain
from tests.wires.sip.conftest import Trunk
from tests.wires.sip.sipp_calls import SCENARIOS, TAIL, Spoken, spoken

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

HAS_FRONT: Final = shutil.which("kamailio", path="/usr/sbin:/usr/bin") is not None
LONG: Final = {
    "workers": ("refresh_broken_promise", "refresh_by_us", "refresh_by_our_update", "no_ack"),
    "front": ("refresh_by_us", "refresh_by_our_update"),
}
RUNNING: Final = {"workers": plain.running, "front": front.running}
Calls = dict[tuple[str, str], asyncio.Task[Spoken]]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def long_calls(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Calls, dict[str, Trunk]]]:
    """Begin the calls that take up to a minute."""
    calls: Calls = {}
    trunks: dict[str, Trunk] = {}
    async with contextlib.AsyncExitStack() as stack:
        for way, running in RUNNING.items():
            if way == "front" and not HAS_FRONT:
                continue
            folder = tmp_path_factory.mktemp(way)
            trunk = trunks[way] = await stack.enter_async_context(running(folder / "run", calls=4))
            for scenario in LONG[way]:
                calls[way, scenario] = asyncio.create_task(spoken(trunk, folder, scenario, timeout_s=80))
        yield calls, trunks
        for call in calls.values():
            call.cancel()
        await asyncio.gather(*calls.values(), return_exceptions=True)


def whole(call: Spoken) -> None:
    """Nothing of what was said is missing, twice or moved, and nothing is told as lost."""
    found = call.coded()
    assert found.numbers.tolist() == list(range(len(found.numbers))), call.story
    assert len(found.numbers) >= call.sent - TAIL, call.story
    assert found.slips == []
    assert call.legs[0].losses == []


async def test_a_caller_that_refreshes_in_three_ways_loses_nothing(trunk: Trunk, tmp_path: Path) -> None:
    call = await spoken(trunk, tmp_path, "refresh_by_caller")
    assert call.left.reason == "the far end hung up"
    whole(call)


async def test_less_than_the_least_is_refused_with_the_least(trunk: Trunk, tmp_path: Path) -> None:
    async with Sipp(SCENARIOS / "refresh_too_often.xml", tmp_path, to=trunk.port, keys={"rtp_port": 9}) as peer:
        await peer.over()


@pytest.mark.parametrize("way", RUNNING)
async def test_we_refresh_by_update(long_calls: Any, way: str) -> None:
    whole(await _of(long_calls, way, "refresh_by_our_update"))


@pytest.mark.parametrize("way", RUNNING)
async def test_a_refresh_that_crosses_an_offer_is_tried_again(long_calls: Any, way: str) -> None:
    call = await _of(long_calls, way, "refresh_by_us")
    assert call.left.reason == "the far end hung up"
    whole(call)


async def test_an_answer_that_nobody_acknowledges_ends_the_call(long_calls: Any) -> None:
    call = await _of(long_calls, "workers", "no_ack")
    assert call.left.reason.startswith("the answer was not acknowledged (408")
    whole(call)


async def test_a_caller_that_does_not_refresh_is_hung_up(long_calls: Any) -> None:
    call = await _of(long_calls, "workers", "refresh_broken_promise")
    assert call.left.reason == "the far end did not refresh the session"
    whole(call)
    faults = long_calls[1]["workers"].all(LineFault)
    assert [fault.text for fault in faults if "refresh" in fault.text] == [f"{call.left.reason}: the call is given up"]


async def _of(long_calls: tuple[Calls, Any], way: str, scenario: str) -> Spoken:
    if (way, scenario) not in long_calls[0]:
        pytest.skip("kamailio is not installed")
    return await long_calls[0][way, scenario]
