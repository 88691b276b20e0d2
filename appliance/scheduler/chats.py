"""Sessions at an agent's screen without a call, as web chats have them: CHATSTART, CHATUPDATE, CHATSTOP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, final

from appliance import clock
from appliance.bus.control import StartChat, StopChat, UpdateChat
from appliance.calls.call import Call
from appliance.calls.devices import DeviceTable
from appliance.calls.fields import CallFields
from appliance.recording.screens import ScreenRecords
from appliance.units import GlobalCallId, RecordId

logger = logging.getLogger(__name__)


@final
class Chats:
    """The sessions that go on, by SESSIONID; each becomes a record of kind screen when it ends.

    Belongs to the core's event loop. A session that is open when the box is killed leaves no record.

    Parameters
    ----------
    saved
        Told of the record's number and its note in the inbox.
    """

    def __init__(
        self,
        records: ScreenRecords,
        devices: DeviceTable,
        *,
        core_id: int,
        next_record_id: Callable[[], RecordId],
        next_global_call_id: Callable[[], GlobalCallId],
        saved: Callable[[int, Path], None],
        retry_s: float = 5.0,
    ) -> None:
        self._records = records
        self._devices = devices
        self._core_id = core_id
        self._next_record_id = next_record_id
        self._next_global_call_id = next_global_call_id
        self._saved = saved
        self._retry_s = retry_s
        self._open: dict[str, Call] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._open.values()))

    def start(self, command: StartChat) -> bool:
        """Begin a session; one that is open under its name ends. Always True."""
        self._end(command.session_id, "a new session began under the name")
        fields = CallFields(session_id=command.session_id, agent_id=command.agent_id, **command.fields)
        self._open[command.session_id] = Call(
            device_id=self._devices.device_of_phones(command.phones) or command.name,
            call_instance="",
            fields=fields,
            core_id=self._core_id,
            global_call_id=self._next_global_call_id(),
            started_at=clock.now(),
            started_mono_s=clock.monotonic_s(),
            announced=False,
        )
        return True

    def update(self, command: UpdateChat) -> bool:
        """Change a session's data; False if there is none of that name."""
        session = self._open.get(command.session_id)
        if session:
            self._change(session, command.fields)
        return session is not None

    def stop(self, command: StopChat) -> bool:
        """End a session; False if there is none of that name."""
        return self._end(command.session_id, "CHATSTOP")

    async def close(self, reason: str) -> None:
        """End every session, and wait until their records are written or cannot be."""
        for name in list(self._open):
            self._end(name, reason)
        self._closing.set()
        if self._writing:
            await asyncio.wait(self._writing)

    def _change(self, session: Call, fields: dict[str, Any]) -> None:
        session.fields = session.fields.changed(fields)

    def _end(self, name: str, reason: str) -> bool:
        session = self._open.pop(name, None)
        if session is None:
            return False
        session.stopped_at = clock.now()
        task = asyncio.create_task(self._write(session, reason), name=f"record of session {name}")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return True

    async def _write(self, session: Call, reason: str) -> None:
        record_id = self._next_record_id()
        while True:
            try:
                note = await asyncio.to_thread(self._records.write, session, record_id, reason)
            except OSError as error:
                logger.error("session %s has no record yet: %s", session.fields.session_id, error)  # noqa: TRY400
            else:
                self._saved(record_id, note)
                return
            if self._closing.is_set():
                logger.error("session %s leaves no record", session.fields.session_id)
                return
            try:
                async with asyncio.timeout(self._retry_s):
                    await self._closing.wait()
            except TimeoutError:
                pass
