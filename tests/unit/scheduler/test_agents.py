"""Whose call it is: DEVICEALIAS tells before DEVICEID, and whoever says it outright before both."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.bus.commands import UpdateCall


def _agent(lab: Any, device: str) -> str:
    agent_id: str = lab.scheduler.calls.find(device, None).fields.agent_id
    return agent_id


@pytest.mark.parametrize(
    ("device", "fields", "agent"),
    [
        ("5001", {"device_alias": "DESK16"}, "16"),
        ("5017", {"device_alias": "DESK16"}, "16"),
        ("5017", {"device_alias": "DESK99"}, "17"),
        ("5017", {}, "17"),
        ("5001", {}, ""),
        ("5017", {"agent_id": "3"}, "3"),
        ("5017", {"agent_id": "3", "device_alias": "DESK16"}, "3"),
    ],
)
async def test_a_call_is_told_with_its_agent(lab: Any, device: str, fields: dict[str, str], agent: str) -> None:
    lab.start(device, **fields)
    await lab.until("RECORDINGSTARTED")
    assert _agent(lab, device) == agent
    assert [event.fields.agent_id for event in lab.events] == [agent, agent]


async def test_another_alias_is_another_agent(lab: Any) -> None:
    lab.start("5001", device_alias="DESK16")
    for fields, agent in (({"user1": "x"}, "16"), ({"device_alias": "5017"}, "17"), ({"device_alias": "DESK9"}, "")):
        lab.scheduler.update_call(UpdateCall(device_id="5001", fields=fields))
        assert _agent(lab, "5001") == agent


async def test_a_later_call_of_the_desk_is_the_agents_too(lab: Any) -> None:
    lab.start("5001", device_alias="DESK16")
    lab.stop("5001")
    lab.start("5001")
    assert _agent(lab, "5001") == "16"


async def test_an_agent_who_was_said_outright_stays(lab: Any) -> None:
    lab.start("5017", agent_id="3")
    lab.scheduler.update_call(UpdateCall(device_id="5017", fields={"user1": "x"}))
    assert _agent(lab, "5017") == "3"
