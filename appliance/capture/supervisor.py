"""The core's side of one tap: its workers as one thing with lines."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import final

from appliance import clock
from appliance.capture import planning
from appliance.capture.child import Watch
from appliance.capture.link import WorkerLink
from appliance.capture.protocol import Dial, HangUp, Join, Play, Simulate, Start, Stop
from drivers.contract import (
    AudioLost,
    CallRefused,
    Capabilities,
    ConnectionRefused,
    Line,
    LineFault,
    LineUnknownError,
    Registered,
    TapEvent,
    TapMeter,
    TapOptions,
)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class TapStatus:
    """How a tap does, counted since the core started."""

    workers: int
    workers_up: int
    restarts: int
    renewals: int  # workers that had served their time and were replaced in good order
    refused_calls: int
    lost_frames: int  # as the tap told them, over all legs
    refused_connections: int = 0  # closed before a call came by them
    accounts: tuple[Registered, ...] = ()  # how the registration of each stands
    fault: str = ""  # what was told last of one, whether it lasts or not
    fault_at: dt.datetime | None = None


@final
class TapSupervisor:
    """Runs the workers of one tap. Belongs to the event loop, callbacks included; they must not block.

    Parameters
    ----------
    options
        The tap's options, of its kind's own class.
    run_dir
        Where the spool is.
    on_fact
        Takes every fact that the tap emits, in order of a worker.
    on_up
        Takes the lines of a worker that serves now, at first or again. Sessions of its last life are over.
    on_down
        Takes the lines of a worker that is gone, and the reason; comes again with each restart that fails.
        A session that was open there ended with it: no SessionClosed follows.
    watch
        Times of supervision.
    """

    def __init__(
        self,
        options: TapOptions,
        run_dir: Path,
        *,
        on_fact: Callable[[TapEvent], None],
        on_up: Callable[[tuple[Line, ...]], None],
        on_down: Callable[[tuple[Line, ...], str], None],
        watch: Watch | None = None,
    ) -> None:
        self.options = options
        self.capabilities = Capabilities()
        self.lines: tuple[Line, ...] = ()
        self.listens: tuple[str, ...] = ()
        self._run_dir = run_dir
        self._on_fact = on_fact
        self._on_up = on_up
        self._on_down = on_down
        self._watch = watch
        self._workers: list[WorkerLink] = []
        self._by_line: dict[str, WorkerLink] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._refused_calls = self._refused_connections = 0
        self._lost_frames = 0
        self._accounts: dict[str, Registered] = {}
        self._fault = ""
        self._fault_at: dt.datetime | None = None

    @property
    def name(self) -> str:
        """Name of the tap."""
        return self.options.name

    @property
    def status(self) -> TapStatus:
        """Counters as they are now."""
        children = [worker.child for worker in self._workers]
        return TapStatus(
            workers=len(children),
            workers_up=sum(child.up for child in children),
            restarts=sum(child.restarts for child in children),
            renewals=sum(child.renewals for child in children),
            refused_calls=self._refused_calls,
            lost_frames=self._lost_frames,
            refused_connections=self._refused_connections,
            accounts=tuple(self._accounts.values()),
            fault=self._fault,
            fault_at=self._fault_at,
        )

    def meters(self) -> list[TapMeter]:
        """What its workers measure, each as it told last; empty for a tap that measures nothing."""
        return [worker.meter for worker in self._workers if worker.meter is not None]

    def pids(self) -> list[int]:
        """Processes that run now."""
        return [pid for worker in self._workers if (pid := worker.child.pid) is not None]

    async def plan(self) -> None:
        """Find out workers, lines and capabilities; no worker runs yet. Raises TapOptionsError, TapFailedError."""
        planned = await planning.ask(self.options)
        self.capabilities = planned.capabilities
        self.lines = tuple(line for worker in planned.workers for line in worker.lines)
        self.listens = tuple(address for worker in planned.workers for address in worker.listens)
        self._workers = [
            WorkerLink(
                self.options,
                worker,
                self._run_dir,
                on_fact=self._take,
                on_up=self._on_up,
                on_down=self._on_down,
                watch=self._watch,
            )
            for worker in planned.workers
        ]
        self._by_line = {line.name: worker for worker in self._workers for line in worker.lines}

    async def start(self) -> None:
        """Start the workers; returns when each has come up, or has failed once and is started again meanwhile.

        Raises what :meth:`plan` does, which is called first if nobody did.
        """
        if not self._workers:
            await self.plan()
        self._keepers = [worker.child.start() for worker in self._workers]
        await asyncio.gather(*(worker.settled.wait() for worker in self._workers))

    async def wait(self) -> None:
        """Wait until :meth:`close`; raises the fault of a callback. A vital task of the core."""
        await asyncio.gather(*(asyncio.shield(keeper) for keeper in self._keepers))

    async def start_line(self, line: str, session: str) -> None:
        """Begin to capture the line into the session. Raises LineBusyError and the other errors of the contract."""
        worker = self._worker(line)
        await worker.ask(Start(number=worker.next_number(), line=line, session=session))

    async def stop_line(self, line: str) -> None:
        """End the session on the line; its audio is whole in the spool afterwards."""
        worker = self._worker(line)
        await worker.ask(Stop(number=worker.next_number(), line=line))

    async def hang_up(self, line: str, reason: str) -> None:
        """End the call on the line."""
        worker = self._worker(line)
        await worker.ask(HangUp(number=worker.next_number(), line=line, reason=reason))

    async def dial(self, line: str, phone: str, barge_code: str) -> None:
        """Call a phone from the line."""
        worker = self._worker(line)
        await worker.ask(Dial(number=worker.next_number(), line=line, phone=phone, barge_code=barge_code))

    async def join(self, line: str, phone: str) -> None:
        """Join the call at a phone from the line."""
        worker = self._worker(line)
        await worker.ask(Join(number=worker.next_number(), line=line, phone=phone))

    async def play(self, line: str, file: Path) -> None:
        """Play a file to the call on the line."""
        worker = self._worker(line)
        await worker.ask(Play(number=worker.next_number(), line=line, file=str(file)))

    async def simulate(self, line: str, fault: str, amount: float) -> None:
        """Make a fault happen on a tap that simulates."""
        worker = self._worker(line)
        await worker.ask(Simulate(number=worker.next_number(), line=line, fault=fault, amount=amount))

    def tell_health(self, trouble: str) -> None:
        """Tell every worker what keeps the box from recording; empty while nothing does."""
        for worker in self._workers:
            worker.tell_health(trouble)

    async def close(self) -> None:
        """End all workers, with their sessions closed; leaves no process behind."""
        await asyncio.gather(*(worker.child.close() for worker in self._workers))

    def _worker(self, line: str) -> WorkerLink:
        if line not in self._by_line:
            raise LineUnknownError(f"tap {self.name} has no line {line!r}")
        return self._by_line[line]

    def _take(self, fact: TapEvent) -> None:
        if isinstance(fact, AudioLost):
            self._lost_frames += fact.frames
        elif isinstance(fact, CallRefused):
            self._refused_calls += 1
        elif isinstance(fact, ConnectionRefused):
            self._refused_connections += fact.count
        elif isinstance(fact, Registered):
            self._accounts[fact.account] = fact
        elif isinstance(fact, LineFault):
            self._fault = f"line {fact.line}: {fact.text}" if fact.line else fact.text
            self._fault_at = clock.now()
        self._on_fact(fact)
