"""Debian's Chromium without a window, driven over its DevTools pipe: what it asks for, shows, and complains of."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shlex
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, final

CHROMIUM = shutil.which("chromium")
WAIT_S = 60
_MOST_BYTES = 64 << 20
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"),
    "--window-size=1280,900",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@final
class Page:
    """One page. ``asked`` are the addresses of all its requests, ``complaints`` what the browser says against it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._session = ""
        self._loaded = asyncio.Event()
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.asked: list[str] = []
        self.complaints: list[str] = []

    async def begin(self) -> None:
        target = await self._call("Target.createTarget", url="about:blank")
        attached = await self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self._call(f"{domain}.enable")

    async def open(self, url: str) -> None:
        """Go there, and wait until everything of it is loaded."""
        self._loaded.clear()
        await self._call("Page.navigate", url=url)
        await asyncio.wait_for(self._loaded.wait(), WAIT_S)

    async def run(self, script: str) -> Any:
        """Give the value of the expression, as JSON; waits for a promise."""
        told = await self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def listen(self) -> None:
        """Take what the browser says, for ever."""
        while True:
            said = json.loads((await self._reader.readuntil(b"\0"))[:-1])
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            elif said["method"] == "Network.requestWillBeSent":
                self.asked.append(said["params"]["request"]["url"])
            elif said["method"] == "Page.loadEventFired":
                self._loaded.set()
            elif said["method"] == "Log.entryAdded":
                self.complaints.append(said["params"]["entry"]["text"])
            elif said["method"] == "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(said["params"]["exceptionDetails"]))

    async def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        call = {"id": number, "method": method, "params": parameters}
        if self._session:
            call["sessionId"] = self._session
        self._answers[number] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps(call).encode() + b"\0")
        told = await asyncio.wait_for(self._answers[number], WAIT_S)
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result


@contextlib.asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Page]:
    """Start a browser with a profile of its own in the folder, and end it."""
    assert CHROMIUM
    commands, ours = os.pipe()
    theirs, answers = os.pipe()
    command = shlex.join([CHROMIUM, *_FLAGS, f"--user-data-dir={folder}/profile", "about:blank"])
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", f"exec {command} 3<&{commands} 4>&{answers}"),
        pass_fds=(commands, answers),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    os.close(commands)
    os.close(answers)
    reader, writer = await _streams(theirs, ours)
    page = Page(reader, writer)
    listening = asyncio.create_task(page.listen())
    try:
        await page.begin()
        yield page
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        writer.close()  # the browser ends when nobody drives it any more
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _streams(reading: int, writing: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_MOST_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", 0))
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(writing, "wb", 0))
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)
