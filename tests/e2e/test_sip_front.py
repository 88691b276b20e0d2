"""A trunk whose settings name no front: Kamailio takes the calls where it is installed."""

from __future__ import annotations

import asyncio

import pytest

from drivers.taps.sip.front import Program
from hil.peers.rtp_source import RtpSource, SourceCall
from hil.ports import free_sip_port
from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk, check_record

pytestmark = pytest.mark.skipif(Program.find() is None, reason="kamailio is not installed")

CALLS = 6  # more than one worker takes


def test_calls_for_several_workers_come_by_one_port(make_box: Boxes) -> None:
    port = free_sip_port(2)
    box = make_box([{"name": "trunk", "kind": "sip", "port": port, "calls": 8, "starts_calls": True}])
    uris = [f"sip:{5000 + n}@127.0.0.1:{port}" for n in range(CALLS)]
    calls = [SourceCall(number=n, uri=uri, streams=2, packets=100) for n, uri in enumerate(uris)]
    with Desk(box) as desk:
        results = asyncio.run(RtpSource(calls).run())
        assert [result.code for result in results] == [200] * CALLS
        for n in range(CALLS):
            assert not check_record(desk.saved(str(5000 + n)))["interrupted"]
    told = [line for line in box.log_path.read_text().splitlines() if f"calls come to port {port} of" in line]
    assert len(told) == 1, "said once"
    assert "Kamailio spreads them over 2 workers" in told[0]
