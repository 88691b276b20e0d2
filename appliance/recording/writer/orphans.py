"""Recordings whose spool was lost (power, a reboot): the ``.part`` is finished as far as it reached the disk."""

from __future__ import annotations

import logging
from pathlib import Path

from appliance.capture.protocol import Finished
from appliance.recording.writer.finish import Finisher
from appliance.recording.writer.notes import PartNote, Saved
from appliance.recording.writer.part import Part
from appliance.recording.writer.proof import recording_of_orphan

logger = logging.getLogger(__name__)


def finish_orphan(finisher: Finisher, path: Path, note: PartNote) -> Finished:
    """Finish a ``.part`` that has no session any more, as interrupted. Raises OSError."""
    logger.warning("%s was left behind and is finished as interrupted", path)
    if note.recording is None:
        note = _sealed(path, note)
    found: list[Saved] = []
    for _ in finisher.steps(path, note, found.append):
        pass
    saved = found[0]
    return Finished(session=note.session, record_id=saved.record_id, sidecar=saved.sidecar, note=saved.inbox_note)


def _sealed(path: Path, note: PartNote) -> PartNote:
    part = Part.open(path, note.claim.encoding, note.rate_hz, max(1, len(note.legs)))
    try:
        part.seal()
        return note.model_copy(update={"recording": recording_of_orphan(note, part)})
    finally:
        part.close()
