"""The core's side of one tap worker: verbs go out and are answered, facts come in."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

import pydantic

from appliance.capture.child import Child, Program, Watch
from appliance.capture.host import HostOptions
from appliance.capture.protocol import (
    Alive,
    Command,
    Dial,
    Done,
    Emitted,
    HangUp,
    Health,
    Join,
    Start,
    Stop,
    WorkerEvent,
)
from appliance.capture.verdict import error_named
from drivers.contract import Line, TapEvent, TapFailedError, TapMeter, TapOptions, WorkerPlan

logger = logging.getLogger(__name__)

VERB_S: Final = 5.0
EVENTS: Final[pydantic.TypeAdapter[WorkerEvent]] = pydantic.TypeAdapter(WorkerEvent)


@final
class WorkerLink:
    """One worker, kept running. Belongs to the event loop."""

    def __init__(
        self,
        options: TapOptions,
        plan: WorkerPlan,
        run_dir: Path,
        *,
        on_fact: Callable[[TapEvent], None],
        on_up: Callable[[tuple[Line, ...]], None],
        on_down: Callable[[tuple[Line, ...], str], None],
        watch: Watch | None = None,
    ) -> None:
        self.name = f"{options.name}-{plan.index}"
        self.lines = plan.lines
        self.meter: TapMeter | None = None  # the newest, of a worker that is up
        self.settled = asyncio.Event()  # it came up, or failed to, for the first time
        self._on_fact = on_fact
        self._on_up = on_up
        self._on_down = on_down
        self._numbers = itertools.count(1)
        self._trouble = ""  # what keeps the box from recording
        self._waiting: dict[int, asyncio.Future[Done]] = {}
        told = HostOptions(
            run_dir=run_dir, options=options.model_dump(mode="json"), plan=plan, log_level=_level_of_the_log()
        )
        self.child: Child[WorkerEvent] = Child(
            Program(self.name, "appliance.capture.host", told),
            EVENTS,
            on_message=self._take,
            on_up=self._up,
            on_down=self._down,
            watch=watch,
        )

    def tell_health(self, trouble: str) -> None:
        """Tell the worker, and each one after it, what keeps the box from recording; empty while nothing does."""
        self._trouble = trouble
        if self.child.up:
            self.child.send(Health(number=self.next_number(), trouble=trouble))

    def next_number(self) -> int:
        """Give the number of the next command."""
        return next(self._numbers)

    async def ask(self, command: Command) -> None:
        """Have a command carried out. Raises the error of the tap; TapFailedError if the worker is down or mute."""
        answer: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._waiting[command.number] = answer
        try:
            if not (self.child.up and self.child.send(command)):
                raise TapFailedError(f"worker {self.name} is down")
            async with asyncio.timeout(VERB_S):
                done = await answer
        except TimeoutError as error:
            self._take_back(command)
            raise TapFailedError(f"worker {self.name} did not answer to {command.verb} in {VERB_S:.0f} s") from error
        finally:
            del self._waiting[command.number]
        if done.error:
            raise error_named(done.error, done.text)

    def _take_back(self, command: Command) -> None:
        """Stop what may still be started later, or nobody would ever stop it."""
        if isinstance(command, Start):
            self.child.send(Stop(number=self.next_number(), line=command.line))
        elif isinstance(command, Dial | Join):
            self.child.send(HangUp(number=self.next_number(), line=command.line, reason="the order came too late"))

    def _take(self, message: WorkerEvent) -> None:
        if isinstance(message, Emitted):
            self._on_fact(message.fact)
        elif isinstance(message, Alive):
            self.meter = message.meter
        elif isinstance(message, Done):
            answer = self._waiting.get(message.number)
            if answer is not None and not answer.done():
                answer.set_result(message)

    def _up(self) -> None:
        self._give_up("was replaced")
        self.settled.set()
        if self._trouble:
            self.tell_health(self._trouble)
        self._on_up(self.lines)

    def _down(self, reason: str) -> None:
        self.meter = None
        self._give_up(reason)
        self.settled.set()
        self._on_down(self.lines, reason)

    def _give_up(self, reason: str) -> None:
        """Fail what was asked of a process that is gone."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(TapFailedError(f"worker {self.name} {reason}"))


def _level_of_the_log() -> int:
    return logging.getLogger("appliance.capture").getEffectiveLevel()
