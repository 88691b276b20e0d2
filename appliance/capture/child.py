"""A child process that is kept running: started, watched, started again with back-off, ended in good order.

Serves the tap workers and the writer alike. The child is a module run as ``python -m <module> <fd> <json>``; it
speaks over the socket ``fd`` by :class:`appliance.capture.pipe.ChildPipe`, says Ready once, and Alive each second
from its main thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import signal
import socket
from collections.abc import Callable
from typing import Generic, TypeVar, final

import pydantic

from appliance.capture.pipe import CorePipe, PipeError
from appliance.capture.process import Process
from appliance.capture.protocol import SPENT_CODE, Alive, Ready, Shutdown
from appliance.clock import monotonic_s

logger = logging.getLogger(__name__)

M = TypeVar("M")
_TERM_S = 2.0


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """What a child runs. Other users of the machine can read ``options``: no secrets in it."""

    name: str  # in the log
    module: str
    options: pydantic.BaseModel


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Watch:
    """How long to wait for a child, and how soon it is started again."""

    ready_s: float = 30.0  # from its start to Ready: libraries load on a busy machine
    alive_s: float = 5.0  # without Alive this long it hangs, and is killed
    first_s: float = 0.2  # before the first restart; each next waits twice as long
    most_s: float = 10.0
    healthy_s: float = 60.0  # up this long, it begins with first_s again
    spent_s: float = 2.0  # younger than this, no child has served its time


@final
class Child(Generic[M]):
    """One child and its successors. All methods and all callbacks belong to the event loop.

    Parameters
    ----------
    program
        What to run.
    adapter
        Reads what the child says.
    on_message
        Takes every message of the child, Ready and Alive among them.
    on_up
        Called after Ready: the child serves, for the first time or again.
    on_down
        Takes the reason when a child is gone or cannot be started; not called for the end by :meth:`close`, nor
        when a child says by its exit code that it has served its time.
    watch
        Its times.
    """

    def __init__(
        self,
        program: Program,
        adapter: pydantic.TypeAdapter[M],
        *,
        on_message: Callable[[M], None],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        watch: Watch | None = None,
    ) -> None:
        self.name = program.name
        self.restarts = 0
        self.renewals = 0
        self.up = False
        self._program = program
        self._adapter = adapter
        self._on_message = on_message
        self._on_up = on_up
        self._on_down = on_down
        self._watch = watch or Watch()
        self._process: Process | None = None
        self._pipe: CorePipe[M] | None = None
        self._patience_s = 0.0
        self._spent = False
        self._closing = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Number of the process that runs now."""
        return self._process.pid if self._process is not None else None

    def start(self) -> asyncio.Task[None]:
        """Begin to keep the child running.

        Gives the task that does so. It is vital: it ends by :meth:`close`, or by a fault that a callback raised.
        """
        self._keeper = asyncio.create_task(self._keep(), name=f"keeper of {self.name}")
        return self._keeper

    def send(self, message: pydantic.BaseModel) -> bool:
        """Send without waiting; False if there is no child to take it."""
        if self._pipe is None:
            return False
        try:
            self._pipe.send(message)
        except PipeError as error:
            logger.warning("%s: %s", self.name, error)
            self._signal(signal.SIGKILL)
            return False
        return True

    async def close(self, timeout_s: float = 5.0) -> None:
        """Ask the child to shut down, wait ``timeout_s``, then SIGTERM, then SIGKILL. Leaves no process behind."""
        if self._keeper is None:
            return
        self._closing.set()
        self.send(Shutdown())
        if not await _ended(self._keeper, timeout_s):
            logger.warning("%s does not shut down: SIGTERM", self.name)
            self._signal(signal.SIGTERM)
            if not await _ended(self._keeper, _TERM_S):
                logger.warning("%s ignores SIGTERM: SIGKILL", self.name)
                self._signal(signal.SIGKILL)
        await self._keeper

    async def _keep(self) -> None:
        delay_s = self._watch.first_s
        while True:
            begun_at_s = monotonic_s()
            reason = await self._live()
            if self._closing.is_set():
                return
            if self._spent and monotonic_s() - begun_at_s > self._watch.spent_s:
                self.renewals += 1
                continue
            logger.error("%s: %s", self.name, reason)
            self._on_down(reason)
            if monotonic_s() - begun_at_s > self._watch.healthy_s:
                delay_s = self._watch.first_s
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), delay_s)
                return
            delay_s = min(delay_s * 2, self._watch.most_s)
            self.restarts += 1

    async def _live(self) -> str:
        """Run one process from its start to its end; gives the reason of the end."""
        ours, theirs = socket.socketpair()
        options = self._program.options.model_dump_json()
        try:
            process = await Process.start(self.name, self._program.module, options, theirs)
        except OSError as error:
            ours.close()
            return f"cannot be started: {error}"
        self._process = process
        try:
            return await self._talk(process, await CorePipe.open(ours, self._adapter))
        finally:
            self.up = False
            self._process = self._pipe = None
            await process.close()

    async def _talk(self, process: Process, pipe: CorePipe[M]) -> str:
        self._pipe = pipe
        self._spent = False
        self._patience_s = self._watch.ready_s
        pulse = asyncio.create_task(self._pulse(), name=f"pulse of {self.name}")
        if self._closing.is_set():
            pipe.send(Shutdown())
        try:
            while True:
                self._take(await pipe.receive())
        except EOFError:
            code = await process.wait(_TERM_S)
            self._spent = code == SPENT_CODE
            return "hung, and was killed" if self._patience_s <= 0 else _describe(code)
        except PipeError as error:
            return f"said what is no message: {error}"
        finally:
            pulse.cancel()
            pipe.close()

    def _take(self, message: M) -> None:
        if isinstance(message, Ready) or (self.up and isinstance(message, Alive)):
            self._patience_s = self._watch.alive_s
        self._on_message(message)
        if isinstance(message, Ready):
            self.up = True
            self._on_up()

    async def _pulse(self) -> None:
        """Kill the child when its proof of life stays out; the end of its pipe then ends this task.

        Time is counted in steps of our own loop, so that a loop that was held up does not blame its children.
        """
        step_s = self._watch.alive_s / 10
        while self._patience_s > 0:
            await asyncio.sleep(step_s)
            self._patience_s -= step_s
        logger.error("%s gives no sign of life: SIGKILL", self.name)
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


async def _ended(task: asyncio.Task[None], timeout_s: float) -> bool:
    done, _ = await asyncio.wait([task], timeout=timeout_s)
    return bool(done)


def _describe(code: int | None) -> str:
    """Say how a process ended, from its exit code."""
    if code is None:
        return "closed its pipe and hangs"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with code {code}"
