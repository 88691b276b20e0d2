"""A whole box whose trunk stands behind a front: a SIPREC call becomes a recording, its metadata beside it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from appliance.audio import measure
from hil.child_box import ChildBox
from hil.peers.siprec_client import SiprecClient
from tests.e2e.desk import Desk, check_record, read_legs
from tests.wires.front.conftest import free_ports
from tests.wires.sip.metadata import document

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]


async def test_a_siprec_call_is_recorded_with_its_metadata(tmp_path: Path, caller: Any) -> None:
    port = free_ports()
    tap = {"name": "trunk", "kind": "sip", "front": "kamailio", "port": port, "calls": 8, "rtp_ports": 34000}
    mapping = {"device": ["agent-user"], "ani": ["caller-user"], "user1": ["element:ucid"]}
    taps = [{**tap, "agents": ["50*"], "metadata": mapping, "starts_calls": True}]
    sections = {"recording": {"holdback_s": 2, "reserve_mb": 10}}
    text = document(padding=20_000, caller="2", agent="1")
    box = ChildBox(tmp_path, taps=taps, schedules=[{"name": "all"}], sections=sections)
    with box, Desk(box) as desk:
        async with SiprecClient(port, caller.socket.getsockname()[1]) as client:
            await client.begin(text)
            await caller.send(client, range(100))
            assert await client.end() == 200
        path = await asyncio.to_thread(desk.saved, "5003")
        record = check_record(path)
        assert record["fields"]["ani"] == "4711"
        assert record["measured"]["siprec"]["fields"]["user1"] == "00042"
        assert record["measured"]["siprec_document0"]["text"].strip() == text.strip()
        legs = read_legs(path)
        # the caller stands left, and came second
        assert measure.read_coded(legs[:, 0].copy(), 1).lost(100) == []
        assert measure.read_coded(legs[:, 1].copy(), 0).lost(100) == []


async def test_a_box_without_room_on_its_disk_sends_callers_elsewhere(tmp_path: Path, caller: Any) -> None:
    port = free_ports()
    tap = {"name": "trunk", "kind": "sip", "front": "kamailio", "port": port, "calls": 4, "rtp_ports": 34000}
    sections = {"recording": {"reserve_mb": 1 << 40}}
    with ChildBox(tmp_path, taps=[tap], schedules=[{"name": "all"}], sections=sections):
        async with SiprecClient(port, caller.socket.getsockname()[1]) as client:
            for _ in range(50):  # the writer tells of the disk after its first turn
                answer = await client.options()
                if answer.code != 200:
                    break
                await asyncio.sleep(0.2)
        assert answer.code == 503
        assert "disk full" in answer.one("Warning")
