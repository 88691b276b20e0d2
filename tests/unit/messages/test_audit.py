"""Which messages leave a row in the audit, and what it tells."""

from __future__ import annotations

from typing import Any, cast

import pytest

from appliance.messages.dispatch import dispatch
from appliance.messages.origin import Origin, Port
from appliance.messages.sample_registry import SampleAudit
from appliance.messages.samples import sample_services

FIELD = {"UNIQUEFIELD": "user2", "UNIQUEID": "Order 7782", "MEDIA_FORMAT": "mp3"}

PLAYED = "/var/lib/linetap/recordings/20260309/5552/5552-13-04-05.wav"


async def noted(kind: str, **values: str) -> list[tuple[str, Any, Any]]:
    services = sample_services()
    origin = Origin(Port.WEB, "192.0.2.7:1", who="token crm")
    await dispatch({"TYPE": kind, "REQUESTID": "1", **values}, services, origin)
    audit = cast("SampleAudit", services.audit)
    assert audit.noted_by == [("web", "192.0.2.7:1", "token crm")] * len(audit.noted)
    return audit.noted


@pytest.mark.parametrize(
    ("kind", "values", "after"),
    [
        ("EXPORT", FIELD, {"record_id": 204, "format": "mp3"}),
        (
            "EMAIL",
            FIELD | {"TOADDRESS": "ann@example.com"},
            {"record_id": 204, "format": "mp3", "addresses": ["ann@example.com"]},
        ),
        ("CALLUPDATE", {"RECORDID": "204", "USER3": "x"}, {"record_id": 204, "user3": "x"}),
        (
            "CALLUPDATE",
            {"DEVICEID": "5552", "USER3": "x", "UPDATE_IF_NOT_RECORDING": "Y"},
            {"record_id": 204, "user3": "x"},
        ),
        ("CALLUPDATE", {"DEVICEID": "5551", "USER3": "live"}, {"device_id": "5551", "user3": "live"}),
        ("STOPRECORDING", {"DEVICEID": "5551"}, {"device_id": "5551"}),
        ("STARTRECORDING", {"DEVICEID": "5551"}, {"device_id": "5551"}),
        (
            "EXTENSIONPLAYBACKSTART",
            {"DEVICE": "7001", "UNIQUEFIELD": "user2", "UNIQUEID": "Order 7782", "BARGECODE": "*9"},
            {"phone": "7001", "path": PLAYED, "barge_code": "*9", "join": False},
        ),
        ("BLACKOUTSTART", {"DEVICEID": "5551"}, {"device_id": "5551", "offset_s": 0, "in_call": True}),
    ],
)
async def test_what_leaves_a_row(kind: str, values: dict[str, str], after: dict[str, Any]) -> None:
    assert await noted(kind, **values) == [(kind, None, after)]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("EXPORT", FIELD | {"UNIQUEID": "none"}),
        ("EMAIL", FIELD | {"TOADDRESS": "nobody"}),
        ("CALLUPDATE", {"RECORDID": "9"}),
        ("CALLUPDATE", {"DEVICEID": "5552", "USER3": "nobody is in a call"}),
        ("CALLUPDATE", {"DEVICEID": "5551"}),
        ("DEVICELIST", {}),
        ("CALLSTART", {"DEVICEID": "5551"}),
    ],
)
async def test_what_leaves_none(kind: str, values: dict[str, str]) -> None:
    assert await noted(kind, **values) == []
