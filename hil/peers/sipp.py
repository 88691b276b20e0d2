"""SIPp (Debian's ``sip-tester``) by a scenario of our own: another make of SIP, and one that does what it is told.

SIPp does the signalling alone; media is the test's, which learns from :attr:`Sipp.media` where to send it.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, Self, final

from hil.peers.sip_uac import Address, Message
from hil.ports import free_udp_ports

_ENTRY: Final = re.compile(r"^-{20,} .*\n(?:UDP|TCP|TLS) message (sent|received) .*:\n\n", re.MULTILINE)
_LOOK_S: Final = 0.02
_LEAVE_S: Final = 3.0


@final
class SippFailedError(Exception):
    """The scenario did not go as it is written; the text says where."""


@final
class Sipp:
    """One call of a scenario, or one that comes. Use as an asynchronous context.

    Parameters
    ----------
    scenario
        SIPp's XML. ``[rtp_port]`` and what else ``keys`` names is filled in.
    folder
        Where its logs go.
    to
        The far end's port on the loopback; 0 where SIPp is who is called.
    """

    def __init__(
        self,
        scenario: Path,
        folder: Path,
        *,
        to: int = 0,
        keys: Mapping[str, str | int] | None = None,
        user: str = "5003",
        transport: Literal["u1", "t1"] = "u1",
    ) -> None:
        self.port, self._media_port = free_udp_ports(2)
        self._scenario = scenario
        self._log = folder / f"{scenario.stem}-{self.port}"
        self._to = to
        self._keys = dict(keys or {})
        self._user = user
        self._transport = transport
        self._process: asyncio.subprocess.Process | None = None

    def _arguments(self) -> list[str]:
        program = shutil.which("sipp")
        assert program is not None, "SIPp is not installed (Debian's sip-tester)"
        keys = [word for name, value in self._keys.items() for word in ("-key", name, str(value))]
        logs = [
            "-trace_msg",
            "-message_file",
            f"{self._log}.messages",
            "-trace_err",
            "-error_file",
            f"{self._log}.errors",
        ]
        own = ["-i", "127.0.0.1", "-p", str(self.port), "-mp", str(self._media_port), "-t", self._transport]
        far = [f"127.0.0.1:{self._to}"] if self._to else []
        return [program, "-sf", str(self._scenario), "-m", "1", "-nostdin", *own, "-s", self._user, *logs, *keys, *far]

    async def __aenter__(self) -> Self:
        nowhere = asyncio.subprocess.DEVNULL
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments(), stdin=nowhere, stdout=nowhere, stderr=nowhere, cwd=self._log.parent
        )
        if not self._to:
            await _listens(self.port, self._transport)
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _LEAVE_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def over(self, timeout_s: float = 10) -> None:
        """Wait until the scenario was gone through. Raises SippFailedError where it went another way."""
        assert self._process is not None
        try:
            code = await asyncio.wait_for(self._process.wait(), timeout_s)
        except TimeoutError:
            raise SippFailedError(f"{self._scenario.stem} goes on after {timeout_s} s:\n{self.story()}") from None
        if code:
            raise SippFailedError(f"{self._scenario.stem}: SIPp ended with {code}: {self._errors()}\n{self.story()}")

    async def heard(self, first: str, count: int = 1, timeout_s: float = 10) -> Message:
        """Wait for the ``count``-th message whose first line begins so, sent or received, and give it."""
        end_s = asyncio.get_running_loop().time() + timeout_s
        while True:
            found = [message for _, message in self.messages() if message.first.startswith(first)]
            if len(found) >= count:
                return found[count - 1]
            if asyncio.get_running_loop().time() > end_s:
                raise SippFailedError(f"{self._scenario.stem}: no {first}, but\n{self.story()}")
            await asyncio.sleep(_LOOK_S)

    async def media(self, first: str = "SIP/2.0 200", count: int = 1, timeout_s: float = 10) -> tuple[Address, ...]:
        """RTP addresses that such a message tells, one an audio stream."""
        body = (await self.heard(first, count, timeout_s)).body
        return tuple(("127.0.0.1", int(port)) for port in re.findall(r"^m=audio (\d+)", body, re.MULTILINE))

    def _errors(self) -> str:
        file = Path(f"{self._log}.errors")
        return file.read_text(errors="replace") if file.exists() else ""

    def messages(self) -> list[tuple[str, Message]]:
        """Every message so far, as "sent" or "received"."""
        file = Path(f"{self._log}.messages")
        text = file.read_bytes().decode(errors="replace") if file.exists() else ""
        _, *parts = _ENTRY.split(text)
        return [(way, Message(body.rstrip("\n"))) for way, body in zip(parts[::2], parts[1::2], strict=True)]

    def story(self) -> str:
        """First line and CSeq of every message."""
        return "\n".join(f"{way}: {message.first} [{message.one('CSeq')}]" for way, message in self.messages())


async def _listens(port: int, transport: str) -> None:
    kind = socket.SOCK_DGRAM if transport == "u1" else socket.SOCK_STREAM
    for _ in range(250):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return
        await asyncio.sleep(_LOOK_S)
    raise SippFailedError(f"SIPp does not listen on {port}")
