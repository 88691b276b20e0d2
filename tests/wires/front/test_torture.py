"""Malformed SIP by the thousand at the front, while a call goes on behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hil.peers.torture import mutations, sip_cases
from tests.wires.front.conftest import kamailios, running
from tests.wires.sip.test_torture import GUARDED, MANY, send, send_over_tcp, under_fire

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]


async def test_malformed_sip_at_the_front_costs_a_call_nothing(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=4, **GUARDED) as trunk:
        before = {process.pid for process in kamailios(trunk)}
        cases = list(sip_cases().values())
        await under_fire(
            trunk, caller, (send, "sip", [*cases, *mutations(8068, MANY)]), (send_over_tcp, "sip", cases), rest_s=1.2
        )
        assert {process.pid for process in kamailios(trunk)} == before
