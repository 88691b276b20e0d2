from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.audio import g711, wav
from appliance.audio.export import Exporter
from appliance.mail.queue import MailQueue
from appliance.recording.facts import Recording
from appliance.settings.models import MailSettings
from appliance.store.mail import MailState, QueuedMail
from appliance.store.store import Store
from tests.postbox import WAIT_S, Postbox
from tests.unit.store.conftest import _recording

RATE_HZ = 8000


class Office:
    """A store, an exporter and a queue, as a box has them. ``ends`` stops the queue like a box that goes down."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.store = Store(folder / "data", 1)
        self.exporter = Exporter(folder / "scratch")
        self.queue = MailQueue(MailSettings(**settings), self.store.mails, self.store.records, self.exporter)

    async def until(self, state: MailState, *, attempts: int = 0, mail_id: int = 1) -> QueuedMail:
        """Wait until the mail is in that state and was tried so often."""
        async with asyncio.timeout(WAIT_S):
            while True:
                mail = await self.store.mails.by_id(mail_id)
                assert mail is not None
                if mail.state == state and mail.attempts >= attempts:
                    return mail
                await asyncio.sleep(0.02)


Open = Callable[..., Any]


@pytest.fixture
def postbox(tmp_path: Path) -> Iterator[Postbox]:
    with Postbox(tmp_path) as opened:
        yield opened


@pytest.fixture
async def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    """Open offices on one folder, one after the other or for the length of the test."""
    monkeypatch.setattr("appliance.mail.queue.POLL_S", 0.05)

    @asynccontextmanager
    async def opened(settings: dict[str, Any]) -> AsyncIterator[Office]:
        at = Office(tmp_path, settings)
        await at.store.open()
        running = asyncio.create_task(at.queue.run())
        try:
            yield at
        finally:
            running.cancel()
            (ended,) = await asyncio.gather(running, return_exceptions=True)
            await at.exporter.close()
            await at.store.close()
        assert isinstance(ended, asyncio.CancelledError), ended

    async with AsyncExitStack():
        yield opened


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Three seconds with 400 Hz on the one side and 1100 Hz on the other."""
    path = tmp_path / "Büro-13-04-05.wav"
    at_s = np.arange(3 * RATE_HZ) / RATE_HZ
    pcm = np.stack([8000 * np.sin(2 * np.pi * hz * at_s) for hz in (400, 1100)], axis=1).round().astype(np.int16)
    path.write_bytes(wav.header("ulaw", RATE_HZ, 2, len(pcm)) + g711.encode_ulaw(pcm).tobytes())
    return _recording(204, filename=str(path), device_id="Büro\r\nBcc: x@y", frames=len(pcm), duration_s=3.0)
