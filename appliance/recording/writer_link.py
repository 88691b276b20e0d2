"""The core's side of the writer: keeps its process running, and hands on what it says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, final

import pydantic

from appliance.capture.child import Child, Program, Watch
from appliance.capture.protocol import Finished, Look, Trouble, Turned, WriterEvent
from appliance.recording.writer.options import WriterOptions
from appliance.settings.models import Settings

_EVENTS: Final[pydantic.TypeAdapter[WriterEvent]] = pydantic.TypeAdapter(WriterEvent)
_CLOSE_S: Final = 8.0
_WATCH: Final = Watch(alive_s=60.0)  # a slow disk may hold it up for long, and killing it would not help
_SETTLE_MARGIN_S: Final = 1.0


@final
class WriterLink:
    """Starts the writer and talks with it. Everything belongs to the event loop.

    Parameters
    ----------
    on_finished, on_trouble, on_turned
        Called with what the writer says. A recording may be told as finished twice, when the writer died between
        telling and cleaning up: its note in the inbox says whether it is new.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        on_finished: Callable[[Finished], None],
        on_trouble: Callable[[Trouble], None],
        on_turned: Callable[[Turned], None],
    ) -> None:
        self.last_turn: Turned | None = None
        self._on_finished = on_finished
        self._on_trouble = on_trouble
        self._on_turned = on_turned
        self._child: Child[WriterEvent] = Child(
            Program("writer", "appliance.recording.writer", options_of(settings)),
            _EVENTS,
            on_message=self._take,
            on_up=lambda: None,
            on_down=lambda _: None,  # logged by the child's keeper; what was to be looked at is found by the next turn
            watch=_WATCH,
        )

    @property
    def restarts(self) -> int:
        """How often the writer had to be started again."""
        return self._child.restarts

    @property
    def pid(self) -> int | None:
        """Number of the writer's process, while there is one."""
        return self._child.pid

    async def run(self) -> None:
        """Keep the writer running until :meth:`close`; a vital task."""
        await asyncio.shield(self._child.start())

    def look(self, session: str) -> None:
        """Make the writer look at a session now; if there is no writer just now, its first turn does."""
        self._child.send(Look(session=session))

    async def close(self) -> None:
        """End the writer after it has finished what was stopped."""
        await self._child.close(_CLOSE_S)

    def _take(self, message: WriterEvent) -> None:
        match message:
            case Finished():
                self._on_finished(message)
            case Trouble():
                self._on_trouble(message)
            case Turned():
                self.last_turn = message
                self._on_turned(message)
            case _:
                pass


def options_of(settings: Settings) -> WriterOptions:
    """Give the writer's options as the settings have them."""
    recording = settings.recording
    return WriterOptions(
        run_dir=settings.box.run_dir,
        data_dir=settings.box.data_dir,
        recording_path=settings.recording_path,
        holdback_s=recording.holdback_s,
        durable_every_s=recording.durable_every_s,
        claim_back_s=recording.claim_back_s,
        spool_max_mb=settings.box.spool_max_mb,
        silence_dbfs=recording.silence_dbfs,
        settle_s=recording.linger_s + _SETTLE_MARGIN_S,
        log_level=logging.getLogger().getEffectiveLevel(),
    )
