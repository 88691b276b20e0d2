"""EXTENSIONPLAYBACKSTART and EXTENSIONPLAYBACKSTOP: how they are judged, and what they order."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import cast

import pytest

from appliance.bus.commands import PlaybackEnd, PlaybackOrder, Services
from appliance.messages.dispatch import dispatch
from appliance.messages.origin import Origin, Port
from appliance.messages.result import Result
from appliance.messages.sample_registry import SampleAudit
from appliance.messages.samples import SamplePlayback, sample_services
from appliance.settings.models import ApiSettings

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


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("good.wav", 20),
        ("day/../good.wav", 20),
        ("link.wav", 20),
        ("out.wav", 41),
        ("away/secret.wav", 41),
        ("away/../good.wav", 41),  # the folder is a link: its parent lies elsewhere
        ("../secret/secret.wav", 41),
        ("loop", 41),
        ("nul\0.wav", 41),
    ],
)
async def test_a_file_must_lie_below_the_recordings_behind_links_too(tmp_path: Path, name: str, code: int) -> None:
    root, secret = tmp_path / "recordings", tmp_path / "secret"
    for folder in (root / "day", secret):
        folder.mkdir(parents=True)
    for file in (root / "good.wav", secret / "secret.wav"):
        file.touch()
    (root / "link.wav").symlink_to(root / "good.wav")
    (root / "out.wav").symlink_to(secret / "secret.wav")
    (root / "away").symlink_to(secret)
    (root / "loop").symlink_to(root / "loop")
    services = dataclasses.replace(sample_services(), recording_roots=(root,))
    assert (await ask("EXTENSIONPLAYBACKSTART", PHONE | {"FILENAME": f"{root}/{name}"}, services)).code == code
    ordered = cast("SamplePlayback", services.playback).ordered
    assert [order.path for order in ordered] == ([root / "good.wav"] if code == 20 else [])


async def test_a_file_of_no_absolute_path_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.wav").touch()
    monkeypatch.chdir(tmp_path)
    services = dataclasses.replace(sample_services(), recording_roots=(tmp_path,))
    assert (await ask("EXTENSIONPLAYBACKSTART", PHONE | {"FILENAME": "a.wav"}, services)).code == 41


async def test_what_is_ordered() -> None:
    assert await ordered(PHONE | FILE) == PlaybackOrder(phone="7001", path=Path(f"{ROOT}/a.wav"))
    assert (await ordered(PHONE | FILE | {"BARGECODE": "*9"})).barge_code == "*9"
    assert (await ordered(PHONE | FILE | {"BARGECODE": "*9", "PLAYBACKTYPE": "dial"})).barge_code == ""
    joined = await ordered(PHONE | FILE | {"PLAYBACKTYPE": "SSC"})
    assert (joined.join, joined.barge_code, joined.barges) == (True, "", True)
    by_record = await ordered(PHONE | {"UNIQUE_FIELD": "USER2", "UNIQUE_ID": "Order 7782"})
    assert by_record.path.name == "5552-13-04-05.wav"


async def test_stop_is_never_refused_for_silence() -> None:
    services = sample_services()
    await ask("EXTENSIONPLAYBACKSTART", PHONE | FILE, services)
    for _ in range(2):
        assert (await ask("EXTENSIONPLAYBACKSTOP", PHONE, services)).code == 20
    assert cast("SamplePlayback", services.playback).playing == []
    assert (await ask("EXTENSIONPLAYBACKSTOP", {}, services)).code == 8


async def test_who_ordered_it_and_what_came_of_it_stand_in_the_audit() -> None:
    services = sample_services(ApiSettings(channel_id_base=1))
    await ask("EXTENSIONPLAYBACKSTART", PHONE | FILE, services)
    end = PlaybackEnd(outcome="cut short", reason="the far end hung up", channel=2, answered_s=3.5, played_s=1.25)
    cast("SamplePlayback", services.playback).over["7001"](end)
    (what, _, _), (end_what, _, told) = cast("SampleAudit", services.audit).noted
    assert (what, end_what) == ("EXTENSIONPLAYBACKSTART", "EXTENSIONPLAYBACKSTART END")
    assert told == {
        "phone": "7001",
        "path": FILE["FILENAME"],
        "outcome": "cut short",
        "reason": "the far end hung up",
        "channel": 3,
        "answered_s": 3.5,
        "played_s": 1.25,
    }
