"""Sessions at a screen, and modes of devices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.bus.control import ChangeMode, StartChat, StopChat, UpdateChat
from appliance.recording.facts import Recording
from appliance.scheduler.status import CoreStatus


def start(session: str = "w1", *, phones: tuple[str, ...] = ("3545",)) -> StartChat:
    return StartChat(session_id=session, agent_id="7", phones=phones, name="ann", fields={"sys_user": "ann"})


async def saved(lab: Any, count: int = 1) -> list[Recording]:
    """Wait for records, for two seconds at the most."""
    for _ in range(400):
        if len(lab.saved) >= count:
            break
        await lab.settle()
    sidecars = [Path(json.loads(note.read_bytes())["sidecar"]) for note in lab.saved]
    return [Recording.model_validate_json(path.read_bytes()) for path in sidecars]


async def devices(lab: Any) -> list[Any]:
    status = CoreStatus(lab.scheduler, lab.chats, lab.devices, lambda: pytest.fail("not asked for"))
    return await status.devices()


async def test_a_session_is_listed_while_it_lasts_under_the_agents_device(lab: Any) -> None:
    lab.start("5001", device_alias="3545")
    assert await lab.core.handle(start())
    assert await lab.core.handle(UpdateChat(session_id="w1", fields={"group": "53"}))
    _, view = await devices(lab)
    assert (view.device_id, view.fields.session_id, view.fields.group) == ("5001", "w1", "53")
    assert (view.is_recording, view.is_recording_video, view.stopped_at) == (False, False, None)
    assert await lab.core.handle(StopChat(session_id="w1"))
    assert len(await devices(lab)) == 1


async def test_a_session_becomes_a_record_that_says_that_it_has_no_pictures(lab: Any) -> None:
    await lab.core.handle(start())
    await lab.core.handle(UpdateChat(session_id="w1", fields={"user1": "x", "keep_days": 5}))
    await lab.core.handle(StopChat(session_id="w1"))
    (record,) = await saved(lab)
    assert (record.recording_type, record.filename, record.audio_size, record.legs) == ("Screen", "", 0, ())
    assert record.end_reason == "CHATSTOP; no desktop delivered pictures"
    assert (record.device_id, record.fields.session_id, record.fields.agent_id) == ("3545", "w1", "7")
    assert (record.fields.user1, record.keep_days) == ("x", 5)


@pytest.mark.parametrize(("phones", "device"), [((), "ann"), (("8",), "8")])
async def test_an_agent_without_a_known_device(lab: Any, phones: tuple[str, ...], device: str) -> None:
    await lab.core.handle(start(phones=phones))
    (view,) = await devices(lab)
    assert view.device_id == device


async def test_unknown_sessions_are_no_error(lab: Any) -> None:
    assert not await lab.core.handle(UpdateChat(session_id="w9", fields={"group": "1"}))
    assert not await lab.core.handle(StopChat(session_id="w9"))


async def test_a_second_start_ends_the_first_and_the_end_of_the_box_ends_all(lab: Any) -> None:
    await lab.core.handle(start())
    await lab.core.handle(start())
    await saved(lab)
    await lab.core.handle(start("w2"))
    await lab.chats.close("the box stops")
    reasons = sorted(record.end_reason.partition(";")[0] for record in await saved(lab, 3))
    assert reasons == ["a new session began under the name", "the box stops", "the box stops"]


async def test_a_record_that_cannot_be_written_is_tried_again(lab: Any, tmp_path: Path) -> None:
    (tmp_path / "inbox").write_text("in the way")
    await lab.core.handle(start())
    await lab.core.handle(StopChat(session_id="w1"))
    await lab.settle()
    assert not lab.saved
    (tmp_path / "inbox").unlink()
    assert len(await saved(lab)) == 1


async def test_a_device_has_the_mode_that_was_told_last(lab: Any) -> None:
    lab.start("5001")
    assert await lab.core.handle(ChangeMode(device_id="5001", mode="MODE_LUNCH"))
    assert not await lab.core.handle(ChangeMode(device_id="5002", mode="MODE_READY"))
    (view,) = await devices(lab)
    assert view.mode == "MODE_LUNCH"
    assert view.mode_changed_at is not None
