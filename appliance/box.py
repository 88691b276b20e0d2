"""The box: every part built by its constructor, in one place, and ended in good order.

A vital task that ends by an error ends the box: systemd starts it again, and the spool and the inbox hold what was
going on.
"""

from __future__ import annotations

import asyncio
import enum
import functools
import logging
import shutil
import signal
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, final

from appliance import box_figures, clock, daemon, metrics
from appliance.audio.export import Exporter
from appliance.box_lock import BoxLock
from appliance.bus.commands import Services
from appliance.bus.inproc import InprocBus
from appliance.bus.registry import Registry
from appliance.calls.devices import DeviceTable
from appliance.capture.protocol import Finished, Trouble, Turned
from appliance.channels.pool import ChannelPool
from appliance.control import ControlSocket, SimulateFault
from appliance.errors import DatabaseError, DiskFullError
from appliance.eventproxy.feed import EventProxy
from appliance.events.bus import EventBus
from appliance.events.history import EventHistory
from appliance.events.journal import EventJournal
from appliance.mail.queue import MailQueue
from appliance.messages.origin import Port
from appliance.metrics import Source
from appliance.playback.service import Playbacks
from appliance.ports.tls import Certificates
from appliance.ports.tokens import TokenFile
from appliance.recording import naming
from appliance.recording.active import ActiveRecording
from appliance.recording.announce import Announcer
from appliance.recording.current_records import CurrentRecords
from appliance.recording.recorder import Recorder, RecorderRules
from appliance.recording.saving import Saver
from appliance.recording.screens import ScreenRecords
from appliance.recording.spool_orders import SpoolOrders
from appliance.recording.writer_link import WriterLink
from appliance.scheduler.arrivals import Arrivals, trunk_rules
from appliance.scheduler.blackouts import BlackoutRules
from appliance.scheduler.call_log import StoredCallLog
from appliance.scheduler.chats import Chats
from appliance.scheduler.core import Core
from appliance.scheduler.current_schedules import CurrentSchedules
from appliance.scheduler.decide import pattern_of, schedules_of
from appliance.scheduler.on_order import OnOrder
from appliance.scheduler.service import Scheduler, SchedulerRules
from appliance.scheduler.status import CoreStatus
from appliance.settings.models import Settings
from appliance.spool.layout import Spool
from appliance.store.identities import Used
from appliance.store.store import Store
from appliance.system import read_system
from appliance.taps import Taps
from appliance.webapi.app import web_api
from appliance.webapi.server import WebServer
from appliance.xmlapi.server import XmlServer

logger = logging.getLogger(__name__)

TICK_S = 0.25
"""How often limits of time are looked at."""
DRAIN_S = 10
"""How long the end waits for the last recordings to be saved."""


async def run(settings: Settings, *, ready: Callable[[], None]) -> int:
    """Run a box until SIGTERM or SIGINT; gives the exit code.

    ``ready`` is called once every listener accepts. Raises UnreachableError if another box runs on the same
    folders, TapError or SettingsError if a tap cannot be opened as it is set.
    """
    with BoxLock(settings.box.run_dir, settings.box.data_dir):
        box = Box(settings)
        try:
            await box.start()
            ready()
            await box.run()
        finally:
            await box.close()
    return 0


@final
class Box:
    """All parts of one box. ``start``, ``run``, ``close``: each once, in this order."""

    def __init__(self, settings: Settings) -> None:
        box, recording = settings.box, settings.recording
        self._settings = settings
        self._tasks: list[asyncio.Task[None]] = []
        self._ends: list[tuple[_End, Callable[[], Awaitable[object]]]] = []
        self._troubles: set[str] = set()
        self._below_reserve = False
        spool = Spool(box.run_dir)
        spool.create()
        settings.recording_path.mkdir(parents=True, exist_ok=True)
        self.store = Store(box.data_dir, box.core_id)
        keep = max(settings.events.keep, settings.events.queue)
        self.journal = EventJournal(box.run_dir / "events", keep)
        history = EventHistory(
            keep=keep,
            keep_s=settings.events.keep_s,
            next_number=self.store.identities.next_event,
            journal=self.journal,
        )
        self.events = EventBus(history)
        self.pool = ChannelPool()
        self.devices = DeviceTable(self.store.directory)
        self.writer = WriterLink(settings, on_finished=self._finished, on_trouble=self._trouble, on_turned=self._turned)
        self.taps = Taps(settings.taps, box.run_dir)
        announcer = Announcer(self.events, box.core_id)
        self.saver = Saver(self.store.inbox, self.store.records, announcer, self._active)
        orders = SpoolOrders(spool, self.writer.look)
        self.recorder = Recorder(
            self.taps,
            orders,
            announcer,
            rules=RecorderRules(
                core_id=box.core_id,
                encoding=recording.encoding,
                claim_back_s=recording.claim_back_s,
                media_wait_s=recording.media_wait_s,
                dial_retry_s=recording.dial_retry_s,
            ),
            reserve=self._reserve,
            next_record_id=self.store.identities.next_record_id,
            ended=self.saver.expect,
        )
        self.call_log = StoredCallLog(self.store.calls, self.store.devices)
        self.scheduler = Scheduler(
            self.recorder,
            announcer,
            self.call_log,
            pool=self.pool,
            devices=self.devices,
            rules=SchedulerRules(
                core_id=box.core_id,
                schedules=schedules_of(settings.schedules),
                media_wait_s=recording.media_wait_s,
                blackouts=BlackoutRules(
                    enabled=recording.blackouts,
                    tied_to=recording.blackout_tied_to,
                    max_s=recording.blackout_max_s,
                    holdback_s=recording.holdback_s,
                ),
                filters=tuple(pattern_of(one) for one in recording.filters),
            ),
            next_global_call_id=self.store.identities.next_global_call_id,
        )
        self.playbacks = Playbacks(self.pool, self.taps, self.events, box.data_dir / "playback")
        self.schedules = CurrentSchedules(self.scheduler, self.store.schedules, settings.schedules)
        self.chats = Chats(
            ScreenRecords(settings.recording_path, box.data_dir / "inbox"),
            self.devices,
            core_id=box.core_id,
            next_record_id=self.store.identities.next_record_id,
            next_global_call_id=self.store.identities.next_global_call_id,
            saved=self.saver.finished,
        )
        self.arrivals = Arrivals(
            self.scheduler,
            self.recorder,
            orders,
            starts_calls=trunk_rules({o.name: o for o in settings.taps}),
            linger_s=recording.linger_s,
        )
        self.exporter = Exporter(box.data_dir / "exports")
        self.mail = MailQueue(settings.mail, self.store.mails, self.store.records, self.exporter)
        self.services = Services(
            bus=InprocBus(box.core_id, Core(self.scheduler, OnOrder(self.scheduler), self.chats, self.devices)),
            devices=self.devices,
            status=CoreStatus(self.scheduler, self.chats, self.devices, lambda: read_system(settings.recording_path)),
            records=CurrentRecords(self.store.records, self.saver),
            exporter=self.exporter,
            mail=self.mail,
            playback=self.playbacks,
            registry=self._registry(),
            audit=self.store.audit,
            recording_roots=(settings.recording_path,),
            strict_call_state=settings.api.strict_call_state,
            api=settings.api,
        )
        proxy = EventProxy(self.events, settings.events, settings.api)
        self.certificates = Certificates(settings)
        context = self.certificates.context
        self.api = XmlServer(settings.api, self.services, Port.COMMANDS, proxy.feed, context("api", settings.api))
        self.event_port = XmlServer(
            settings.events, self.services, Port.EVENTS, proxy.feed, context("events", settings.events)
        )
        sources: tuple[Source, ...] = (
            lambda: box_figures.of_taps(self.taps),
            lambda: box_figures.of_meters(self.taps.meters()),
            lambda: box_figures.of_scheduler(self.scheduler),
            lambda: box_figures.of_playbacks(self.playbacks),
            lambda: box_figures.of_writing(self.writer, self.saver, self._troubles),
            lambda: box_figures.of_ports((one.gate for one in self._ports()), proxy, self.certificates),
        )
        figures = functools.partial(metrics.page, sources)
        pages = web_api(self.services, figures, TokenFile(settings.tokens_path))
        self.web = WebServer(settings.web, pages, context("web", settings.web))
        self.https = (
            WebServer(settings.https, pages, context("https", settings.https), name="https")
            if settings.https.enabled
            else None
        )
        self.control = ControlSocket(box.run_dir, figures, self.taps.status, self._simulate)

    # --- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bring everything up, the listeners last."""
        self._at_end(_End.STORE, self.store.close)
        self._at_end(_End.STORE, self.exporter.close)
        self._at_end(_End.STORE, self._close_journal)
        await self.store.open()
        await self._recall_events()
        await self._recall()
        await self.schedules.recall()
        if not self.scheduler.schedules:
            logger.warning("there are no schedules: no call is recorded unless a client orders it")
        await self.taps.plan(self.pool)
        self._at_end(_End.TASKS, self._cancel)
        self._at_end(_End.WRITER, self.writer.close)
        self._vital(self.writer.run(), "writer")
        self._at_end(_End.SAVER, self._drain)
        self._vital(self.saver.run(), "saver")
        self._at_end(_End.CALL_LOG, self.call_log.flush)
        self._vital(self.call_log.run(), "log of calls")
        self._vital(self.store.audit.run(), "audit")
        await self.saver.save_all()
        self._at_end(_End.TAPS, self.taps.close)
        await self.taps.start(self.arrivals, self.playbacks)
        self._vital(self.taps.run(), "taps")
        self._at_end(_End.CALLS, lambda: self.scheduler.close("the box stops"))
        self._at_end(_End.CALLS, lambda: self.chats.close("the box stops"))
        self._vital(self._tick(), "clock")
        self._vital(self.schedules.run(), "schedules")
        self._at_end(_End.CALLS, self.playbacks.close)
        self._vital(self.playbacks.run(), "playback")
        if self._settings.mail.host:
            self._vital(self.mail.run(), "mail")
        self._vital(self.certificates.run(), "certificate")
        for listener in (self.control, *self._ports()):
            self._at_end(_End.LISTENERS, listener.stop)
            await listener.start()
        self._tasks += [one.task for one in (self.web, self.https) if one and one.task]

    async def run(self) -> None:
        """Serve until a signal comes; raises the error of a vital task that ended before."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        waiting = asyncio.create_task(stop.wait(), name="signal")
        done, _ = await asyncio.wait([waiting, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for task in done - {waiting}:
            logger.critical("%s ended; so does the box", task.get_name())
            task.result()
            raise RuntimeError(f"the vital task {task.get_name()!r} ended")

    async def close(self) -> None:
        """End in good order: no new calls, recordings finished, saved and told; then the listeners and the store."""
        daemon.stopping()
        for _, end in sorted(self._ends, key=lambda e: e[0]):
            await end()

    def _ports(self) -> list[XmlServer | WebServer]:
        return [self.api, self.event_port, self.web, *([self.https] if self.https else [])]

    def _vital(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    def _at_end(self, when: _End, end: Callable[[], Awaitable[object]]) -> None:
        self._ends.append((when, end))

    async def _drain(self) -> None:
        try:
            await asyncio.wait_for(self.saver.drain(), DRAIN_S)
        except TimeoutError:
            logger.warning("not every recording is saved yet; the rest waits in the inbox for the next start")

    async def _close_journal(self) -> None:
        self.journal.close()

    async def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _recall(self) -> None:
        """Remember the devices of an earlier life; calls that were open then are interrupted."""
        try:
            ended = await self.store.calls.end_open(clock.now(), "the box went down")
            for device in await self.store.devices.all():
                self.devices.learn(device.device_id, device.fields)
        except DatabaseError as error:
            logger.error("devices of before are not known: %s", error)  # noqa: TRY400 - told by the store
            return
        if ended:
            logger.warning("%d calls were open when the box went down", ended)

    async def _recall_events(self) -> None:
        """Go on with the events of an earlier life, for subscribers that come back."""
        kept = await asyncio.to_thread(self.journal.read)
        history, identities = self.events.history, self.store.identities
        history.recall(kept, identities.given.event)
        if history.last > identities.given.event:
            await asyncio.to_thread(identities.raise_to, Used(event=history.last))

    async def _tick(self) -> None:
        while True:
            self.scheduler.tick()
            await asyncio.sleep(TICK_S)

    # --- what the parts ask and tell ------------------------------------------------------------------------------

    def _reserve(self, name: str) -> Path:
        """Give a final path for a recording of now. Runs in a thread; raises DiskFullError below the reserve."""
        root, reserve_mb = self._settings.recording_path, self._settings.recording.reserve_mb
        try:
            free_mb = shutil.disk_usage(root).free >> 20
            if free_mb < reserve_mb:
                raise DiskFullError(f"{root} has {free_mb} MiB left, the reserve is {reserve_mb}")
            return naming.reserve(root, name, clock.local(clock.now()), "wav")
        except OSError as error:
            raise DiskFullError(f"{root} cannot be written: {error.strerror}") from error

    def _registry(self) -> Registry:
        store = self.store
        return Registry(store.agents, store.stations, store.groups, store.users, store.terms, store.windows)

    def _active(self, record_id: int) -> ActiveRecording | None:
        return next((a for a in self.scheduler.active if a.record_id == record_id), None)

    def _finished(self, message: Finished) -> None:
        self.saver.finished(message.record_id, Path(message.note))

    def _trouble(self, trouble: Trouble) -> None:
        (self._troubles.discard if trouble.over else self._troubles.add)(trouble.kind)
        level = logging.WARNING if trouble.over else logging.ERROR
        logger.log(level, "writer: %s%s: %s", trouble.kind, " is over" if trouble.over else "", trouble.text)
        daemon.status(", ".join(sorted(self._troubles)) or "Recording")
        self._tell_health()

    async def _simulate(self, request: SimulateFault) -> None:
        logger.warning("fault on purpose: %s", request)
        await self.taps.simulate(request.tap, request.line, request.fault, request.amount)

    def _tell_health(self) -> None:
        """Tell the taps whether recording works, so that callers go to another box while it does not."""
        low = {"disk full"} if self._below_reserve else set()
        self.taps.tell_health(", ".join(sorted(self._troubles | low)))

    def _turned(self, turned: Turned) -> None:
        below = turned.disk_free_bytes >> 20 < self._settings.recording.reserve_mb
        if below != self._below_reserve:
            self._below_reserve = below
            self._tell_health()
        for session, seconds in (turned.silent_s | self.taps.quiet_s()).items():
            self.scheduler.silent(session, seconds)


@final
class _End(enum.IntEnum):
    """The order in which parts end."""

    CALLS = 1
    TAPS = 2
    WRITER = 3
    SAVER = 4
    CALL_LOG = 5
    LISTENERS = 6
    TASKS = 7
    STORE = 8
