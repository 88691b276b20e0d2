"""One recording on its way: from a claimed session to a whole ``.part``.

The recording's time begins with its first leg, or where the claim says if that is later. What lies before now less
the hold-back is written; at the end all of it is, at once.

A leg that opens late is silence before that. If the file was begun as mono it is made stereo then, so that a second
leg is never mixed in and never lost.
"""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import Final, final

import numpy as np

from appliance.recording.writer.durable import write_whole
from appliance.recording.writer.ending import CLOSE_WAIT_S, ended_without_audio, final_end, writable
from appliance.recording.writer.leg import Leg
from appliance.recording.writer.loudness import Silence
from appliance.recording.writer.notes import WRITER_NOTES, PartNote, Saved, WriterNote, note_path
from appliance.recording.writer.part import Part
from appliance.recording.writer.places import OpenParts
from appliance.recording.writer.proof import channels_of, known, recording_of
from appliance.recording.writer.scale import FOREVER, Scale, blackout_spans
from appliance.recording.writer.stalls import Decision, give_up, recover
from appliance.spool.journal import Journal, read_all
from appliance.spool.layout import WRITER_FILE
from appliance.spool.reader import LegView, SessionReader
from appliance.spool.records import Claimed

logger = logging.getLogger(__name__)

_CHUNK_FRAMES: Final = 80_000
_DEFAULT_RATE_HZ: Final = 8000  # of a recording that never had a leg
_NOTE_A_GAP_S: Final = 0.05
"""A note of 1,000 gaps is not renewed for another gap before 50 s: what gaps cost must not grow with their number."""


@final
class Take:
    """One claimed session. Any method may raise OSError; nothing is lost then, and it may go on later.

    Once it is :attr:`whole`, :meth:`seal` gives what a finish needs.
    ``saved`` is there once the recording has its final name.
    """

    def __init__(self, reader: SessionReader, claim: Claimed, parts: OpenParts, *, settle_s: float) -> None:
        self.reader = reader
        self.claim = claim
        self.part: Part | None = None
        self.legs: dict[int, Leg] = {}
        self._note: PartNote | None = None
        self._parts = parts
        self._settle_s = settle_s
        journal = reader.folder / WRITER_FILE
        self._decided: list[WriterNote] = read_all(journal, WRITER_NOTES)
        self.saved = next((note for note in self._decided if isinstance(note, Saved)), None)
        self._journal = Journal(journal)
        self._whole_frames: int | None = None
        self._silenced: set[int] = set()
        self._noted: tuple[object, ...] = ()
        self._noted_numbers: list[int] = []
        self._noted_at_s = 0.0
        self._ended_at_s: float | None = None
        self._loud_at_s: float | None = None

    # --- a turn ---------------------------------------------------------------------------------------------------

    def advance(self, now_s: float, holdback_s: float) -> None:
        """Write what may be written by now. The reader was refreshed after ``now_s`` was taken."""
        if self.whole or self.saved is not None or not self._begin(now_s):
            return
        part, scale = self._opened()
        self._take_legs(part, scale)
        self._silence_late(part, scale)
        for number, leg in self.legs.items():
            for decision in recover(number, leg, part.frames, now_s=now_s, scale=scale, over=self.reader.over):
                self._decide(decision)
        end = final_end(self.reader, self.legs.values(), scale, now_s)
        if end is None:
            self._write(
                part, scale, writable(self.legs.values(), part.frames, scale, now_s=now_s, holdback_s=holdback_s)
            )
        else:
            self._write(part, scale, end)
            if part.frames > end:
                part.cut(end)
            self._whole_frames = end if self._settled(now_s) else None
        if self._is_note_old(now_s, holdback_s, ending=end is not None):
            self._renew_note(now_s)

    def seal(self) -> PartNote:
        """Make the whole ``.part`` final and give its note, the recording's facts in it."""
        if self._note is not None and self._note.recording is not None:
            return self._note  # its finish was broken off, and nothing may touch the file any more
        part, _ = self._opened()
        assert self._note is not None
        part.seal()
        note = known(self._note, self.reader, self.legs, part, part.frames)
        return note.model_copy(update={"recording": recording_of(note, self.reader, part), "measured": {}})

    def listen(self, silence: Silence, now_s: float) -> float:
        """Give the seconds since the recording was last louder than silence, by the newest audio."""
        quiet_s = [s for leg in self.legs.values() if (s := leg.quiet_s(silence)) is not None]
        if quiet_s:
            self._loud_at_s = now_s - min(quiet_s)
        elif self._loud_at_s is None:
            self._loud_at_s = now_s
        return now_s - self._loud_at_s

    def give_back(self) -> None:
        """Give back the memory of what is safe on the disk."""
        if self.part is not None:
            for leg in self.legs.values():
                leg.give_back(self.part.durable_frames)

    def mark(self, saved: Saved) -> None:
        """Write down that the recording is saved."""
        self._journal.append(saved, last=True)
        self.saved = saved

    @property
    def whole(self) -> bool:
        """True when the ``.part`` has all that it shall; no more if a fault of the disk makes it fall back."""
        if self._note is not None and self._note.recording is not None:
            return True
        return self.part is not None and self.part.frames == self._whole_frames

    @property
    def path(self) -> Path | None:
        """The ``.part``, once there is one."""
        return self.part.path if self.part is not None else self._parts.find(self.claim.record_id)

    @property
    def ending(self) -> bool:
        """True when the end was seen and the recording is not saved yet: there is no need to wait for a turn."""
        return self.saved is None and (self.reader.over or self.reader.stopped is not None)

    def fall_back(self) -> None:
        """After a finish that failed: go on from what is surely on the disk, the note as well as the audio."""
        found = self._parts.read(self.claim.record_id)
        if found is not None and found[1].recording is not None:
            self._note = found[1]
        elif self.part is not None:
            self.part.fall_back()

    def close(self) -> None:
        """Close every file of the take's own; a second time does nothing."""
        if self.part is not None:
            self.part.close()
        self._journal.close()

    # --- begin ----------------------------------------------------------------------------------------------------

    def _begin(self, now_s: float) -> bool:
        """Begin the ``.part``, or go on with it; False as long as there is nothing to begin with."""
        if self.part is not None:
            return True
        if not self.reader.legs and not ended_without_audio(self.reader, now_s):
            return False
        found = self._parts.read(self.claim.record_id)
        if found is None:
            note = self._first_note()
            found = self._parts.begin(note), note
        path, self._note = found
        if self._note.recording is not None:  # it was whole for an earlier writer
            return False
        channels = max(1, len(self.reader.legs))
        self.part = Part.open(path, self.claim.encoding, self._note.rate_hz, channels)
        return True

    def _first_note(self) -> PartNote:
        views = list(self.reader.legs.values())
        begin_s = self.claim.from_mono_s
        if views:
            first_s = min(view.record.started_mono_s for view in views)
            begin_s = max([begin_s, first_s, *(_kept_since_s(view) for view in views)])
        opened = self.reader.opened
        return PartNote(
            claim=self.claim,
            session=self.reader.session,
            tap=opened.tap if opened else "",
            line=opened.line if opened else "",
            rate_hz=views[0].record.rate_hz if views else _DEFAULT_RATE_HZ,
            began_at=self.claim.started_at + dt.timedelta(seconds=begin_s - self.claim.from_mono_s),
            begin_mono_s=begin_s,
        )

    def _opened(self) -> tuple[Part, Scale]:
        assert self.part is not None
        assert self._note is not None
        return self.part, Scale(self._note.begin_mono_s, self._note.rate_hz)

    def _take_legs(self, part: Part, scale: Scale) -> None:
        """Take over legs that are new, and what is new about each."""
        for number, view in self.reader.legs.items():
            if number in self.legs:
                continue
            if view.record.rate_hz != scale.rate_hz:
                logger.error("%s: leg %d has another rate and is left out", self.reader.session, number)
                continue
            if self.legs and part.channels == 1:
                first = next(iter(self.legs.values())).view.record
                part.widen(channels_of({first.leg: first.party, number: view.record.party})[first.leg])
            self.legs[number] = leg = Leg(view, scale.begin_mono_s)
            leg.take_losses()
            for decision in self._decided:
                if not isinstance(decision, Saved) and decision.leg == number:
                    leg.take_decision(decision)
        for leg in self.legs.values():
            leg.take_losses()

    # --- writing --------------------------------------------------------------------------------------------------

    def _write(self, part: Part, scale: Scale, end: int) -> None:
        for number, leg in self.legs.items():
            for decision in give_up(number, leg, part.frames, end, ending=self.ending):
                self._decide(decision)
        channels = channels_of({number: leg.party for number, leg in self.legs.items()})
        blackouts = blackout_spans(self.reader, scale).values()
        while part.frames < end:
            begin = part.frames
            pcm = np.zeros((part.channels, min(_CHUNK_FRAMES, end - begin)), np.int16)
            for number, leg in self.legs.items():
                leg.read(pcm[channels[number] if part.channels > 1 else 0], begin)
            for blackout in blackouts:
                quiet = blackout.within(begin, begin + pcm.shape[1])
                pcm[:, max(0, quiet.begin - begin) : max(0, quiet.end - begin)] = 0
            part.append(pcm)

    def _silence_late(self, part: Part, scale: Scale) -> None:
        """Silence on the disk what a blackout calls back that is written already, by this writer or one before it."""
        for number, span in blackout_spans(self.reader, scale).items():
            if number not in self._silenced:
                written = span.within(0, part.frames)
                if written:
                    part.silence(written.begin, written.end)
                self._silenced.add(number)

    def _decide(self, decision: Decision) -> None:
        self._journal.append(decision)
        self.legs[decision.leg].take_decision(decision)

    def _settled(self, now_s: float) -> bool:
        """Tell whether both the order to stop and the last facts of capture are there, or long overdue."""
        reader = self.reader
        if reader.stopped is not None:
            return reader.over or now_s >= reader.stopped.at_mono_s + CLOSE_WAIT_S
        if self._ended_at_s is None:
            self._ended_at_s = reader.closed.closed_mono_s if reader.closed else now_s
        return now_s - self._ended_at_s >= self._settle_s

    def _is_note_old(self, now_s: float, holdback_s: float, *, ending: bool) -> bool:
        """Tell whether the note on the disk has to be renewed: when anything but the length is new.

        For new gaps and measured facts alone it waits, by half of the hold-back at least: they are known long before
        the audio round them is on the disk, and only what is on the disk can need the note.
        """
        if self._gist() != self._noted:
            return True
        wait_s = 0.0 if ending else max(holdback_s / 2, _NOTE_A_GAP_S * sum(self._holes()))
        return self._numbers() != self._noted_numbers and now_s - self._noted_at_s >= wait_s

    def _renew_note(self, now_s: float) -> None:
        part, _ = self._opened()
        assert self._note is not None
        self._note = known(self._note, self.reader, self.legs, part, FOREVER)
        write_whole(note_path(part.path), self._note.model_dump_json(), durable=False)
        self._noted, self._noted_numbers, self._noted_at_s = self._gist(), self._numbers(), now_s

    def _gist(self) -> tuple[object, ...]:
        blackouts = [ended is None for _, ended in self.reader.blackouts.values()]
        return self.reader.changed, list(self.legs), blackouts

    def _numbers(self) -> list[int]:
        return [len(self.reader.measured), *self._holes()]

    def _holes(self) -> list[int]:
        return [leg.known_holes for leg in self.legs.values()]


def _kept_since_s(view: LegView) -> float:
    """Moment since which a leg's audio is there, if some was trimmed: that can be recorded no more."""
    kept = view.first_kept_frame()
    if not kept:
        return float("-inf")
    leg = Leg(view, view.record.started_mono_s)
    leg.take_losses()
    return view.record.started_mono_s + leg.timeline.out_of_file(kept) / leg.rate_hz
