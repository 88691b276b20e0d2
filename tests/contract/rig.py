"""A supervised tap and what it told: worker processes, the spool in memory."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from appliance.capture.child import Watch
from appliance.capture.supervisor import TapSupervisor
from appliance.spool.journal import read_all
from appliance.spool.layout import CAPTURE_FILE, Spool
from appliance.spool.records import CaptureRecord, Closed, LegOpened
from drivers.contract import Line, TapEvent, TapOptions

RECORDS: TypeAdapter[CaptureRecord] = TypeAdapter(CaptureRecord)
QUICK = Watch(first_s=0.05, most_s=0.2)
_WAV_HEADER_BYTES = 44


class Rig:
    """One tap under supervision."""

    def __init__(self, run_dir: Path, options: TapOptions, watch: Watch = QUICK) -> None:
        self.spool = Spool(run_dir)
        self.facts: list[TapEvent] = []
        self.told: list[tuple[str, ...]] = []
        self._changed = asyncio.Event()
        self.tap = TapSupervisor(options, run_dir, on_fact=self._fact, on_up=self._up, on_down=self._down, watch=watch)

    def _fact(self, fact: TapEvent) -> None:
        self.facts.append(fact)
        self._changed.set()

    def _up(self, lines: tuple[Line, ...]) -> None:
        self.told.append(("up", *(line.name for line in lines)))
        self._changed.set()

    def _down(self, lines: tuple[Line, ...], reason: str) -> None:
        self.told.append(("down", reason, *(line.name for line in lines)))
        self._changed.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Rig]:
        """Run the tap as long as the block does."""
        await self.tap.start()
        try:
            yield self
        finally:
            await self.tap.close()

    async def until(self, true: Callable[[], bool], timeout_s: float = 20) -> None:
        """Wait until something that the tap told makes it true."""
        async with asyncio.timeout(timeout_s):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    async def begin(self, line: str) -> str:
        """Start a session on the line."""
        session = self.spool.new_session_id(self.tap.name, line)
        await self.tap.start_line(line, session)
        return session

    def records(self, session: str) -> list[CaptureRecord]:
        """Give the facts of capture that stand in the spool."""
        return read_all(self.spool.folder(session) / CAPTURE_FILE, RECORDS)

    def legs(self, session: str) -> list[LegOpened]:
        """Legs opened so far, by number."""
        return sorted((r for r in self.records(session) if isinstance(r, LegOpened)), key=lambda leg: leg.leg)

    def is_closed(self, session: str) -> bool:
        """Tell whether the session ended in good order."""
        return isinstance(self.records(session)[-1], Closed)

    def pcm(self, session: str, leg: LegOpened) -> npt.NDArray[np.int16]:
        """Give the leg's samples so far, from its moment on."""
        octets = (self.spool.folder(session) / leg.file).read_bytes()
        begin = _WAV_HEADER_BYTES if leg.file.endswith(".wav") else 0
        whole = octets[begin : len(octets) - (len(octets) - begin) % 2]
        return np.frombuffer(whole, "<i2")[leg.skip_frames :]

    def seconds(self, session: str, leg: int = 0) -> float:
        """Length of a leg so far; 0 before it is opened."""
        legs = self.legs(session)
        return len(self.pcm(session, legs[leg])) / legs[leg].rate_hz if len(legs) > leg else 0.0

    async def captured(self, session: str, more_s: float, timeout_s: float = 20) -> None:
        """Wait until the session has grown by so much audio."""
        wanted_s = self.seconds(session) + more_s
        until_s = time.monotonic() + timeout_s
        while self.seconds(session) < wanted_s:
            assert time.monotonic() < until_s, f"{self.seconds(session)} s captured of {wanted_s} s wanted"
            await asyncio.sleep(0.02)
