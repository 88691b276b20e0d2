"""EXTENSIONPLAYBACKSTART and EXTENSIONPLAYBACKSTOP: how they are judged, and what they order."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from appliance.bus.commands import PlaybackOrder, Services
from appliance.messages.dispatch import dispatch
from appliance.messages.origin import Origin, Port
from appliance.messages.result import Result
from appliance.messages.samples import SamplePlayback, sample_services

ROOT = "/var/lib/linetap/recordings"
FILE = {"FILENAME": f"{ROOT}/a.wav"}
PHONE = {"DEVICE": "7001"}


async def ask(kind: str, values: dict[str, str], services: Services | None = None) -> Result:
    asked = {"TYPE": kind, "REQUESTID": "9"} | values
    return await dispatch(asked, services or sample_services(), Origin(Port.COMMANDS, "127.0.0.1:1"))


async def ordered(values: dict[str, str]) -> PlaybackOrder:
    services = sample_services()
    assert (await ask("EXTENSIONPLAYBACKSTART", values, services)).code == 20
    (order,) = cast("SamplePlayback", services.playback).ordered
    return order


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (FILE, 8),
        (FILE | {"CRM_USER": "nobody"}, 8),
        (PHONE, 26),
        (PHONE | {"UNIQUEFIELD": "user2"}, 26),
        (PHONE | {"UNIQUEFIELD": "shoe", "UNIQUEID": "1"}, 11),
        (PHONE | {"UNIQUEFIELD": "user2", "UNIQUEID": "none"}, 41),
        (PHONE | {"FILENAME": "/etc/passwd"}, 41),
        (PHONE | {"FILENAME": f"{ROOT}/../../x.wav"}, 41),
        (PHONE | FILE | {"PLAYBACKTYPE": "SING"}, 21),
        (PHONE | FILE | {"PLAYBACKTYPE": "BARGE"}, 26),
        (PHONE | FILE | {"REQUESTID": "x"}, 14),
        (PHONE | FILE, 20),
    ],
)
async def test_it_is_judged(values: dict[str, str], code: int) -> None:
    assert (await ask("EXTENSIONPLAYBACKSTART", values)).code == code


async def test_what_is_ordered() -> None:
    assert await ordered(PHONE | FILE) == PlaybackOrder(phone="7001", path=Path(f"{ROOT}/a.wav"))
    assert (await ordered(PHONE | FILE | {"BARGECODE": "*9"})).barge_code == "*9"
    assert (await ordered(PHONE | FILE | {"BARGECODE": "*9", "PLAYBACKTYPE": "dial"})).barge_code == ""
    by_record = await ordered(PHONE | {"UNIQUE_FIELD": "USER2", "UNIQUE_ID": "Order 7782"})
    assert by_record.path.name == "5552-13-04-05.wav"


async def test_stop_is_never_refused_for_silence() -> None:
    services = sample_services()
    await ask("EXTENSIONPLAYBACKSTART", PHONE | FILE, services)
    for _ in range(2):
        assert (await ask("EXTENSIONPLAYBACKSTOP", PHONE, services)).code == 20
    assert cast("SamplePlayback", services.playback).playing == []
    assert (await ask("EXTENSIONPLAYBACKSTOP", {}, services)).code == 8
