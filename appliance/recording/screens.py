"""Records of sessions at a screen that have no pictures: a sidecar alone, put into the database like any other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, final

from appliance import clock
from appliance.calls.call import Call
from appliance.recording import naming
from appliance.recording.facts import Recording
from appliance.recording.writer.durable import write_whole
from appliance.units import RecordId

KIND: Final = "Screen"
NO_PICTURES: Final = "no desktop delivered pictures"
_KEEP_DAYS = 30
_PRIORITY = 50


@final
class ScreenRecords:
    """Writes the sidecars. Files lie below ``root`` as those of calls do; the note goes into ``inbox``."""

    def __init__(self, root: Path, inbox: Path) -> None:
        self._root = root
        self._inbox = inbox

    def write(self, session: Call, record_id: RecordId, reason: str) -> Path:
        """Write the record of a session that has ended, and give its note. Raises OSError; run in a thread."""
        name = session.fields.device_alias or session.device_id
        path = naming.reserve(self._root, name, clock.local(session.started_at), "screen")
        sidecar = path.with_name(path.name + ".json")
        sidecar.parent.mkdir(parents=True, exist_ok=True)
        write_whole(sidecar, record_of(session, record_id, reason).model_dump_json())
        self._inbox.mkdir(parents=True, exist_ok=True)
        note = self._inbox / f"{record_id}.json"
        write_whole(note, json.dumps({"sidecar": str(sidecar)}))
        return note


def record_of(session: Call, record_id: RecordId, reason: str) -> Recording:
    """Give the record: no audio, no pictures, and it says so."""
    stopped_at = session.stopped_at or clock.now()
    return Recording(
        record_id=record_id,
        global_call_id=session.global_call_id,
        core_id=session.core_id,
        channel=-1,
        tap="",
        line="",
        session=session.fields.session_id,
        device_id=session.device_id,
        call_instance=session.call_instance,
        fields=session.fields,
        keep_days=session.fields.keep_days if session.fields.keep_days >= 0 else _KEEP_DAYS,
        archive_action=session.fields.archive_action,
        priority=_PRIORITY if session.fields.priority is None else session.fields.priority,
        schedule="",
        recording_type=KIND,
        call_started_at=session.started_at,
        started_at=session.started_at,
        stopped_at=stopped_at,
        filename="",
        encoding="",
        rate_hz=0,
        channels=0,
        frames=0,
        duration_s=round((stopped_at - session.started_at).total_seconds(), 3),
        audio_size=0,
        audio_hash="",
        legs=(),
        end_reason=f"{reason}; {NO_PICTURES}",
        measured={"screen": {"pictures": 0, "reason": NO_PICTURES}},
    )
