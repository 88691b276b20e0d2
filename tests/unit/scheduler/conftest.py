"""A core without processes: lines that are told what to do, orders kept in a list."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from appliance.bus.commands import StartCall, StopCall
from appliance.calls.call import Call
from appliance.calls.devices import DeviceTable
from appliance.channels.pool import ChannelPool
from appliance.errors import DiskFullError
from appliance.events.bus import EventBus
from appliance.recording.announce import Announcer
from appliance.recording.recorder import Recorder, RecorderRules
from appliance.recording.screens import ScreenRecords
from appliance.scheduler.arrivals import Arrivals
from appliance.scheduler.blackouts import BlackoutRules
from appliance.scheduler.chats import Chats
from appliance.scheduler.core import Core
from appliance.scheduler.decide import Pattern, Schedule
from appliance.scheduler.on_order import OnOrder
from appliance.scheduler.service import Scheduler, SchedulerRules
from appliance.spool.records import Claimed, OrderRecord, Stopped
from appliance.units import GlobalCallId, RecordId, SessionId
from drivers.contract import (
    CallArrived,
    CallLeft,
    LineBusyError,
    LineIdleError,
    MediaStarted,
    NumberInvalidError,
    SessionOpened,
    TapFailedError,
)


class Lab:
    """The core with its surroundings under the test's control; ``told`` is what its events said, in order."""

    def __init__(
        self,
        *,
        steady: int,
        trunk: int,
        schedules: tuple[Schedule, ...],
        starts_calls: bool,
        blackouts: BlackoutRules,
        filters: tuple[Pattern, ...],
        folder: Path,
        dials: bool = False,
    ) -> None:
        self.dialled: list[tuple[str, ...]] = []
        self.busy: dict[str, int] = {}  # how often a line is busy yet
        self.told: list[str] = []
        self.events: list[Any] = []
        self.orders: list[tuple[str, OrderRecord]] = []
        self.noted: list[Call] = []
        self.capturing: dict[tuple[str, str], str] = {}
        self.failing: set[str] = set()
        self.unwritable: set[type] = set()
        self.disk_full = False
        self.slow = asyncio.Event()
        self.slow.set()
        self._numbers = itertools.count(1)
        pool = ChannelPool()
        for n in range(steady):
            pool.add("card", str(n), calls_arrive=False, devices=["*"]).dials = dials
        for n in range(trunk):
            pool.add("trunk", str(n), calls_arrive=True, devices=["*"]).dials = dials
        bus = EventBus()
        bus.publish = self._publish  # type: ignore[method-assign]
        announcer = Announcer(bus, 1)
        self.recorder = Recorder(
            self,
            self,
            announcer,
            rules=RecorderRules(core_id=1, encoding="ulaw", claim_back_s=30, media_wait_s=0.05),
            reserve=self._reserve,
            next_record_id=lambda: RecordId(next(self._numbers)),
            ended=lambda _: None,
        )
        self.devices = DeviceTable(self)
        self.scheduler = Scheduler(
            self.recorder,
            announcer,
            self,
            pool=pool,
            devices=self.devices,
            rules=SchedulerRules(
                core_id=1, schedules=schedules, media_wait_s=0.05, blackouts=blackouts, filters=filters
            ),
            next_global_call_id=lambda: GlobalCallId(f"0001{next(self._numbers):011d}"),
            draw=lambda: 0.5,
        )
        self.screens = ScreenRecords(folder, folder / "inbox")
        self.saved: list[Path] = []
        self.chats = Chats(
            self.screens,
            self.devices,
            core_id=1,
            next_record_id=lambda: RecordId(next(self._numbers)),
            next_global_call_id=lambda: GlobalCallId(f"0001{next(self._numbers):011d}"),
            saved=lambda _, note: self.saved.append(note),
            retry_s=0.05,
        )
        self.core = Core(self.scheduler, OnOrder(self.scheduler), self.chats, self.devices)
        taps = frozenset({"trunk"}) if starts_calls else frozenset()
        self.arrivals = Arrivals(self.scheduler, self.recorder, self, starts_calls=taps, linger_s=0.05)

    # what the core asks of its surroundings

    def _reserve(self, name: str) -> Path:
        if self.disk_full:
            raise DiskFullError
        return Path(f"/rec/{name}/{name}.wav")

    async def start_line(self, tap: str, line: str, session: str) -> None:
        await self.slow.wait()
        if line in self.failing:
            raise TapFailedError("broken")
        self.capturing[tap, line] = session

    async def stop_line(self, tap: str, line: str) -> None:
        if (tap, line) not in self.capturing:
            raise LineIdleError(line)
        old = self.capturing.pop((tap, line))
        if tap == "trunk" and not self.dialled:
            self.capturing[tap, line] = f"{old}+"
            self.arrivals.fact(tap, SessionOpened(line=line, session=f"{old}+"))

    async def dial(self, tap: str, line: str, phone: str, barge_code: str) -> None:
        if line in self.failing:
            raise NumberInvalidError("no number")
        if self.busy.get(line, 0):
            self.busy[line] -= 1
            raise LineBusyError(line)
        self.dialled.append((tap, line, phone, barge_code))

    async def hang_up(self, tap: str, line: str, reason: str) -> None:
        self.dialled.append(("hung up", tap, line, reason))
        self.arrivals.fact(tap, CallLeft(line=line, session="", reason=reason))

    def new_session(self, tap: str, line: str) -> SessionId:
        return SessionId(f"{tap}-{line}-{next(self._numbers)}")

    def append(self, session: SessionId, record: OrderRecord) -> None:
        if type(record) in self.unwritable:
            raise TapFailedError("no room")
        self.orders.append((session, record))

    def note(self, call: Call) -> None:
        self.noted.append(call)

    async def device_of_station(self, station: str) -> str | None:
        return "7007" if station == "JBOND" else None

    async def phones_of_agent(self, *, sys_user: str = "", crm_user: str = "") -> list[str]:
        return ["3545"] if "eve" in (sys_user, crm_user) else []

    def agent_of(self, device_alias: str, device_id: str) -> str:
        return {"DESK16": "16", "5017": "17"}.get(device_alias) or {"5017": "17"}.get(device_id, "")

    def _publish(self, event: Any) -> None:
        self.events.append(event)
        error = getattr(event, "error_reason", "NONE")
        self.told.append(event.event_type + ("" if error == "NONE" else f" {error}"))

    # what the test does

    def start(self, device: str, instance: str = "", **fields: Any) -> None:
        self.scheduler.start_call(StartCall(device_id=device, call_instance=instance, fields=fields))

    def stop(self, device: str, instance: str | None = None) -> bool:
        return self.scheduler.stop_call(StopCall(device_id=device, call_instance=instance))

    def arrive(self, line: str, device: str, *, media: bool = True) -> str:
        session = self.new_session("trunk", line)
        self.capturing["trunk", line] = session
        self.arrivals.fact(
            "trunk", CallArrived(line=line, session=session, device=device, ani="0301234", reference="r")
        )
        if media:
            self.media(line)
        return session

    def media(self, line: str) -> None:
        session = self.capturing["trunk", line]
        self.arrivals.fact("trunk", MediaStarted(line=line, session=session, legs=1))

    def leave(self, line: str) -> None:
        session = self.capturing.pop(("trunk", line))
        self.arrivals.fact("trunk", CallLeft(line=line, session=session, reason="BYE"))

    def states(self) -> list[str]:
        return [c.state.value for c in self.scheduler.pool]

    def ordered(self, kind: type) -> list[Any]:
        return [record for _, record in self.orders if isinstance(record, kind)]

    @property
    def claims(self) -> list[Claimed]:
        return self.ordered(Claimed)

    @property
    def stops(self) -> list[Stopped]:
        return self.ordered(Stopped)

    async def until(self, what: str, count: int = 1) -> None:
        """Wait until that was told so often, for two seconds at the most."""
        for _ in range(400):
            if self.told.count(what) >= count:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"{what} was not told {count} times: {self.told}")

    async def until_dialled(self) -> None:
        """Wait until a number was dialled, for two seconds at the most."""
        for _ in range(400):
            if self.dialled:
                return
            await asyncio.sleep(0.005)
        raise AssertionError("nothing was dialled")

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0.002)


@pytest.fixture
def build(tmp_path: Path) -> Any:
    def _build(
        *,
        steady: int = 0,
        trunk: int = 0,
        schedules: tuple[Schedule, ...] = (Schedule("all"),),
        starts_calls: bool = False,
        blackouts: BlackoutRules | None = None,
        filters: tuple[Pattern, ...] = (),
        dials: bool = False,
    ) -> Lab:
        return Lab(
            steady=steady,
            trunk=trunk,
            schedules=schedules,
            starts_calls=starts_calls,
            blackouts=blackouts or BlackoutRules(),
            filters=filters,
            folder=tmp_path,
            dials=dials,
        )

    return _build


@pytest.fixture
async def lab(build: Any) -> AsyncIterator[Lab]:
    lab = build(steady=2)
    yield lab
    await lab.scheduler.close("the test ends")
