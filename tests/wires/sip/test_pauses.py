"""Pause and resume by the metadata, and by the SDP: silence in the leg, in step with the other one."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.audio.measure import read_coded
from drivers.contract import CallArrived, CallLeft, LineFault
from hil.peers.siprec_client import SiprecClient
from tests.wires.sip.makes import association, partial, whole

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]

PAUSED = partial(association("Pa==", recv="Sb=="))
RESUMED = partial(association("Pa==", send="Sa==", recv="Sb=="))


async def paused_call(trunk: Any, caller: Any, method: str) -> str:
    """Pause and resume leg 0 by the metadata alone, while packets go on to come on both legs; gives the session."""
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        await client.begin(whole())
        await caller.send(client, range(40))
        assert await client.tell(method, PAUSED) == 200
        await caller.send(client, range(40, 90))
        assert await client.tell(method, RESUMED) == 200
        await caller.send(client, range(90, 130))
        assert await client.end() == 200
    await trunk.wait(CallLeft)
    return str(trunk.all(CallArrived)[0].session)


@pytest.mark.parametrize("method", ["UPDATE", "INFO"])
async def test_a_stream_that_the_metadata_pauses_is_silence(trunk: Any, caller: Any, method: str) -> None:
    session = await paused_call(trunk, caller, method)
    legs = trunk.legs(session)
    paused, whole_leg = (read_coded(legs[n].pcm, n) for n in (0, 1))
    assert whole_leg.lost(130) == []
    assert set(range(38)) | set(range(92, 130)) <= set(paused.numbers.tolist())
    assert not set(range(43, 88)) & set(paused.numbers.tolist())
    assert [loss for leg in legs.values() for loss in leg.losses] == []
    assert not trunk.all(LineFault)
    begins = [dict(zip(found.numbers.tolist(), found.positions.tolist(), strict=True)) for found in (paused, whole_leg)]
    assert all(abs(begins[0][n] - begins[1][n]) <= 176 for n in begins[0])
    (pause,) = trunk.read(session).measured["pauses"]
    assert (pause["leg"], pause["by"]) == (0, "metadata")
    assert pause["until_mono_s"] - pause["from_mono_s"] == pytest.approx(1.0, abs=0.3)


async def test_who_does_not_want_that_records_what_comes(start_trunk: Any, caller: Any) -> None:
    trunk = await start_trunk(calls=1, metadata_pauses=False)
    session = await paused_call(trunk, caller, "UPDATE")
    assert read_coded(trunk.legs(session)[0].pcm, 0).lost(130) == []
    assert "pauses" not in trunk.read(session).measured


async def test_a_hold_stands_in_the_record(trunk: Any, caller: Any) -> None:
    async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
        await client.begin(whole())
        await caller.send(client, range(20))
        assert await client.offer(["inactive", "inactive"]) == 200
        assert await client.offer(["sendonly", "sendonly"]) == 200
        await caller.send(client, range(20, 40))
        assert await client.offer(["sendonly", "removed"]) == 200
        assert await client.end() == 200
    (left,) = await trunk.wait(CallLeft)
    pauses = trunk.read(left.session).measured["pauses"]
    assert [(p["leg"], p["by"], p["until_mono_s"] is None) for p in pauses] == [
        (0, "hold", False),
        (1, "hold", False),
        (1, "hold", True),
    ]
