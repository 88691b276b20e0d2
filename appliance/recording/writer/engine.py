"""Everything the writer does, a turn at a time. Knows nothing of processes and sockets, and asks for no time."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

from appliance.capture.protocol import Finished, Trouble, Turned
from appliance.recording.writer.durable import Disks
from appliance.recording.writer.finish import Finisher
from appliance.recording.writer.loudness import Silence
from appliance.recording.writer.options import WriterOptions
from appliance.recording.writer.orphans import finish_orphan
from appliance.recording.writer.places import OpenParts
from appliance.recording.writer.pressure import Pressure
from appliance.recording.writer.take import Take
from appliance.recording.writer.trouble import SPOOL_FULL, Troubles, kind_of
from appliance.spool.layout import Spool
from appliance.spool.lock import is_held, sweep_worker_locks
from appliance.spool.reader import SessionReader

logger = logging.getLogger(__name__)

Outcome = Finished | Trouble | Turned

_UNBEGUN_S: Final = 10.0
"""A claimed session that its worker has not begun after this long never will be."""
_TRIM_MARGIN_S: Final = 2.0


@final
class _Watched:
    """One session of the spool, and the recording it becomes if it is claimed."""

    def __init__(self, reader: SessionReader, now_s: float) -> None:
        self.reader = reader
        self.take: Take | None = None
        self.seen_at_s = now_s
        self.over_at_s: float | None = None
        self.written_frames = 0
        self.told = False

    def close(self) -> None:
        if self.take is not None:
            self.take.close()
        self.reader.close()


@final
class Engine:
    """The writer without its process. ``now_s`` is always taken from the monotonic clock before the call."""

    def __init__(self, options: WriterOptions) -> None:
        self._options = options
        self._spool = Spool(options.run_dir)
        self._spool.create()
        inbox = options.data_dir / "inbox"
        inbox.mkdir(parents=True, exist_ok=True)
        self._parts = OpenParts(options.data_dir)
        self._finisher = Finisher(self._parts, inbox)
        self._silence = Silence(options.silence_dbfs)
        self._pressure = Pressure(options.holdback_s, options.spool_max_mb << 20)
        self._disks = Disks()
        self._watched: dict[str, _Watched] = {}
        self._troubles = Troubles()
        self._finished: list[Finished] = []
        self._orphans: list[int] = []
        self._synced_at_s = float("-inf")
        self._held: dict[Path, bool] = {}

    # --- verbs ----------------------------------------------------------------------------------------------------

    def recover(self, now_s: float) -> list[Outcome]:
        """Once, at the start: take up what an earlier writer left, and finish what nobody goes on with."""
        self._spool.sweep()
        self._scan(now_s)
        for watched in list(self._watched.values()):
            reader = watched.reader
            reader.refresh(self._is_held)
            if reader.claimed is None and reader.over:
                self._delete(watched)
        needed = {Path(w.reader.opened.lock) for w in self._watched.values() if w.reader.opened}
        sweep_worker_locks(self._spool, needed)
        claimed = {w.reader.claimed.record_id for w in self._watched.values() if w.reader.claimed}
        self._orphans = [record_id for record_id in self._parts.all() if record_id not in claimed]
        self._finish_orphans()
        return self._outcomes()

    def turn(self, now_s: float) -> list[Outcome]:
        """Do all that is due; gives what the core shall know, but for :meth:`told`."""
        self._held.clear()
        self._troubles.begin_turn()
        self._scan(now_s)
        for watched in list(self._watched.values()):
            self._guarded(watched, lambda one: self._visit(one, now_s))
        self._sync(now_s)
        for watched in list(self._watched.values()):
            self._guarded(watched, self._finish)
        self._finish_orphans()
        self._weigh()
        return self._outcomes()

    def look(self, session: str, now_s: float) -> list[Outcome]:
        """Do what is due for one session alone."""
        self._held.clear()
        self._troubles.begin_turn()
        watched = self._watched.get(session) or self._watch(session, now_s)
        if watched is not None:
            self._guarded(watched, lambda one: self._visit(one, now_s))
            self._guarded(watched, self._finish)
        return self._outcomes()

    def ending(self) -> list[str]:
        """Name the sessions whose end was seen and that wait for nothing but a little time."""
        return [
            name
            for name, watched in self._watched.items()
            if watched.take is not None and watched.take.ending and not self._troubles.is_hit(name)
        ]

    def told(self, now_s: float, turn_ms: float) -> Turned:
        """Say what the writer does; ``turn_ms`` is how long the turn took."""
        takes = {name: w.take for name, w in self._watched.items() if w.take is not None and w.take.saved is None}
        return Turned(
            sessions=len(self._watched),
            recordings=len(takes),
            spool_bytes=self._used_bytes(),
            spool_free_bytes=self._spool.free_bytes(),
            disk_free_bytes=_disk_free_bytes(self._options.recording_path),
            turn_ms=turn_ms,
            silent_s={name: round(take.listen(self._silence, now_s), 3) for name, take in takes.items()},
        )

    def close(self) -> None:
        """Close every file; what goes on is taken up by the next writer."""
        for watched in self._watched.values():
            watched.close()
        self._watched.clear()
        self._disks.close()

    # --- sessions -------------------------------------------------------------------------------------------------

    def _scan(self, now_s: float) -> None:
        there: set[str] = set(self._spool.sessions())
        for name in there - self._watched.keys():
            self._watch(name, now_s)
        for name in self._watched.keys() - there:
            self._forget(name)

    def _watch(self, session: str, now_s: float) -> _Watched | None:
        if not self._spool.folder(session).is_dir():
            return None
        self._watched[session] = watched = _Watched(SessionReader(self._spool, session), now_s)
        return watched

    def _forget(self, session: str) -> None:
        self._watched.pop(session).close()
        self._troubles.forget(session)

    def _delete(self, watched: _Watched) -> None:
        self._spool.delete(watched.reader.session)
        self._forget(watched.reader.session)

    def _is_held(self, lock: Path) -> bool:
        """Test each lock once a turn; not held is final, since no two lives share a lock."""
        if lock not in self._held:
            self._held[lock] = is_held(lock)
        return self._held[lock]

    def _visit(self, watched: _Watched, now_s: float) -> None:
        reader = watched.reader
        reader.refresh(self._is_held)
        if reader.over and watched.over_at_s is None:
            watched.over_at_s = now_s
        claim = reader.claimed
        if claim is not None and now_s - max(claim.from_mono_s, watched.seen_at_s) > _UNBEGUN_S:
            reader.abandon()
        if reader.dropped is not None:
            self._drop(watched)
        elif claim is None:
            self._wait_for_claim(watched, now_s)
        else:
            if watched.take is None:
                watched.take = Take(reader, claim, self._parts, settle_s=self._options.settle_s)
            watched.take.advance(now_s, self._pressure.holdback_s)

    def _wait_for_claim(self, watched: _Watched, now_s: float) -> None:
        """Keep only as much of an unclaimed session as a claim may reach back; delete it when none can come."""
        reader, keep_s = watched.reader, self._options.claim_back_s + _TRIM_MARGIN_S
        since_s = watched.over_at_s if reader.opened else watched.seen_at_s + _UNBEGUN_S
        if since_s is not None and now_s - since_s > keep_s:
            logger.info("%s: nobody claimed it", reader.session)
            self._delete(watched)
            return
        for leg in reader.legs.values():
            leg.give_back(leg.frames - int(keep_s * leg.record.rate_hz))

    def _drop(self, watched: _Watched) -> None:
        """Delete a session that nobody wants, and what was written of it already."""
        take, claim = watched.take, watched.reader.claimed
        if claim is not None and (take is None or take.saved is None):
            part = self._parts.find(claim.record_id)
            if part is not None:
                self._parts.remove(claim.record_id, part)
        self._delete(watched)

    # --- recordings -----------------------------------------------------------------------------------------------

    def _guarded(self, watched: _Watched, verb: Callable[[_Watched], None]) -> None:
        """Do something for one session; a fault of the disk is told, harms no other, and it is tried again later."""
        if watched.reader.session not in self._watched:
            return
        try:
            verb(watched)
        except OSError as fault:
            self._troubles.failed(watched.reader.session, kind_of(fault), str(fault))

    def _sync(self, now_s: float) -> None:
        """Force what was appended to the disk, then give its memory back."""
        if now_s - self._synced_at_s < self._options.durable_every_s:
            return
        self._synced_at_s = now_s
        parts = {w.reader.session: w.take.part for w in self._watched.values() if w.take and w.take.part}
        new = {session: part for session, part in parts.items() if part.frames != part.durable_frames}
        faults = self._disks.sync(new.values())
        for session, part in new.items():
            if part.path in faults:
                fault = faults[part.path]
                self._troubles.failed(session, kind_of(fault), str(fault))
            elif part.frames > self._watched[session].written_frames:
                self._watched[session].written_frames = part.frames
                self._troubles.worked(session)
        for watched in self._watched.values():
            if watched.take is not None:
                watched.take.give_back()

    def _finish(self, watched: _Watched) -> None:
        take = watched.take
        if take is None:
            return
        if take.saved is not None and not watched.told:  # saved by an earlier writer
            self._clear(take)
            watched.told = True
        elif take.whole and take.saved is None:
            self._save(take)
            watched.told = True
        if not watched.told:
            return
        self._troubles.worked(watched.reader.session)
        if watched.reader.over:
            self._delete(watched)
        else:  # capture goes on although the recording has ended: nothing of that is wanted
            for leg in watched.reader.legs.values():
                leg.give_back(leg.frames)

    def _save(self, take: Take) -> None:
        path = take.path
        assert path is not None
        try:
            for step in self._finisher.steps(path, take.seal(), take.mark):
                logger.debug("%s: %s", path, step)
        except OSError:
            take.fall_back()
            raise
        self._tell(take)

    def _clear(self, take: Take) -> None:
        assert take.saved is not None
        self._parts.remove(take.saved.record_id, Path(take.saved.part))
        self._tell(take)

    def _tell(self, take: Take) -> None:
        assert take.saved is not None
        self._finished.append(
            Finished(
                session=take.reader.session,
                record_id=take.saved.record_id,
                sidecar=take.saved.sidecar,
                note=take.saved.inbox_note,
            )
        )

    def _finish_orphans(self) -> None:
        for record_id in list(self._orphans):
            name = f"record {record_id}"
            try:
                found = self._parts.read(record_id)
                if found is None:
                    self._parts.forget(record_id)
                else:
                    self._finished.append(finish_orphan(self._finisher, *found))
            except OSError as fault:
                self._troubles.failed(name, kind_of(fault), str(fault))
                continue
            self._troubles.worked(name)
            self._orphans.remove(record_id)

    # --- what the core shall know ---------------------------------------------------------------------------------

    def _weigh(self) -> None:
        """Hold back for less time while memory is short."""
        self._pressure.turn(self._used_bytes(), self._spool.free_bytes())
        if self._pressure.high:
            self._troubles.failed("", SPOOL_FULL, f"audio is held back for {self._pressure.holdback_s:g} s only")
        else:
            self._troubles.worked("", SPOOL_FULL)

    def _used_bytes(self) -> int:
        return sum(watched.reader.taken_bytes for watched in self._watched.values())

    def _outcomes(self) -> list[Outcome]:
        finished, self._finished = self._finished, []
        return [*self._troubles.take_news(), *finished]


def _disk_free_bytes(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
