"""Read a session while it grows: its legs, losses, orders, and whether it has ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import pydantic

from appliance.spool.holes import PAGE_BYTES, first_data, punch
from appliance.spool.journal import JournalReader
from appliance.spool.layout import CAPTURE_FILE, ORDERS_FILE, Spool
from appliance.spool.lock import is_held
from appliance.spool.records import (
    BlackoutBegan,
    BlackoutEnded,
    CaptureRecord,
    Claimed,
    Closed,
    Dropped,
    FieldsChanged,
    LegOpened,
    Lost,
    Measured,
    Opened,
    OrderRecord,
    Stopped,
)

_CAPTURE: pydantic.TypeAdapter[CaptureRecord] = pydantic.TypeAdapter(CaptureRecord)
_ORDERS: pydantic.TypeAdapter[OrderRecord] = pydantic.TypeAdapter(OrderRecord)
_WAV_HEADER_BYTES = 44
_FRAME_BYTES = 2
_PUNCH_STEP_BYTES = 1 << 16


@final
class LegView:
    """One leg's file as a reader sees it. ``frames`` is what :meth:`measure` found there, header left out."""

    def __init__(self, record: LegOpened, folder: Path) -> None:
        self.record = record
        self.path = folder / record.file
        self.frames = 0
        self.taken_bytes = 0
        self.losses: list[Lost] = []
        self._header_bytes = _WAV_HEADER_BYTES if record.file.endswith(".wav") else 0
        self._punched_bytes = 0
        self._fd = -1

    def measure(self) -> None:
        """Look how far the file has grown. A library may make its file later than the record of it."""
        if self._fd < 0:
            try:
                self._fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                return
        stat = os.fstat(self._fd)
        self.frames = max(0, stat.st_size - self._header_bytes) // _FRAME_BYTES
        self.taken_bytes = stat.st_blocks * 512

    def read_into(self, into: npt.NDArray[np.int16], file_frame: int) -> int:
        """Read frames of the file (from frame 0 behind the header) into a contiguous array; gives how many."""
        if self._fd < 0 or not len(into):
            return 0
        return (
            os.preadv(self._fd, [into.data.cast("B")], self._header_bytes + file_frame * _FRAME_BYTES) // _FRAME_BYTES
        )

    def give_back(self, before_frame: int, *, step_bytes: int = _PUNCH_STEP_BYTES) -> None:
        """Give back the memory before a frame of the file, in steps of 64 KiB and whole pages."""
        end = (self._header_bytes + before_frame * _FRAME_BYTES) // PAGE_BYTES * PAGE_BYTES
        if self._fd >= 0 and end - self._punched_bytes >= step_bytes:
            punch(self._fd, self._punched_bytes, end)
            self._punched_bytes = end

    def first_kept_frame(self) -> int:
        """First frame of the file whose audio was not given back.

        The first page is passed over: a library writes its header there again at the end.
        """
        if self._fd < 0 or self.frames * _FRAME_BYTES <= PAGE_BYTES:
            return 0
        kept = first_data(self._fd, PAGE_BYTES)
        return 0 if kept <= PAGE_BYTES else max(0, kept - self._header_bytes + 1) // _FRAME_BYTES

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


@final
class SessionReader:
    """One session as its files tell it. :meth:`refresh` brings it up to date; nothing else changes it.

    ``died`` is true when the worker's lock is free and the session was not closed: nothing grows any more.
    """

    def __init__(self, spool: Spool, session: str) -> None:
        self.session = session
        self.folder = spool.folder(session)
        self.opened: Opened | None = None
        self.legs: dict[int, LegView] = {}
        self.measured: dict[str, Any] = {}
        self.closed: Closed | None = None
        self.died = False
        self.claimed: Claimed | None = None
        self.changed: FieldsChanged | None = None
        self.blackouts: dict[int, tuple[BlackoutBegan, BlackoutEnded | None]] = {}
        self.stopped: Stopped | None = None
        self.dropped: Dropped | None = None
        self._capture = JournalReader(self.folder / CAPTURE_FILE, _CAPTURE)
        self._orders = JournalReader(self.folder / ORDERS_FILE, _ORDERS)

    @property
    def over(self) -> bool:
        """True when nothing grows any more."""
        return self.closed is not None or self.died

    @property
    def taken_bytes(self) -> int:
        """Memory that the legs take."""
        return sum(leg.taken_bytes for leg in self.legs.values())

    def refresh(self, held: Callable[[Path], bool] = is_held) -> None:
        """Read what is new. ``held`` tells whether a lock file is held.

        The order matters: the lock, then sizes, then the records, so that everything that a size counts has its
        record; both again when the end or a leg was told meanwhile.
        """
        before: object = None
        while before != (state := (self.opened is None, self.over, len(self.legs))):  # what is new may have grown
            before = state
            lock_free = self.opened is not None and not self.over and not held(Path(self.opened.lock))
            for leg in self.legs.values():
                leg.measure()
            for record in self._capture.read():
                self._take_fact(record)
            self.died = self.died or (lock_free and self.closed is None)
        for order in self._orders.read():
            self._take_order(order)

    def abandon(self) -> None:
        """Take the session for dead: it was claimed, and its worker has never begun it."""
        if self.opened is None:
            self.died = True

    def close(self) -> None:
        """Close every file."""
        for leg in self.legs.values():
            leg.close()
        self._capture.close()
        self._orders.close()

    def _take_fact(self, record: CaptureRecord) -> None:
        match record:
            case Opened():
                self.opened = record
            case LegOpened():
                self.legs[record.leg] = LegView(record, self.folder)
            case Lost():
                if record.leg in self.legs:
                    self.legs[record.leg].losses.append(record)
            case Measured():
                self.measured.update(record.facts)
            case Closed():
                self.closed = record

    def _take_order(self, order: OrderRecord) -> None:
        match order:
            case Claimed():
                self.claimed = self.claimed or order
            case FieldsChanged():
                self.changed = order
            case BlackoutBegan():
                self.blackouts.setdefault(order.number, (order, None))
            case BlackoutEnded():
                if order.number in self.blackouts:
                    self.blackouts[order.number] = (self.blackouts[order.number][0], order)
            case Stopped():
                self.stopped = self.stopped or order
            case Dropped():
                self.dropped = order
