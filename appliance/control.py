"""The box's own door, a Unix socket in ``run_dir``: for the technician on the machine, never over a network.

One JSON object a line each way. Who may open it is who may open the file: owner and group of the box.

Requests: ``{"verb": "figures"}`` gives the text of ``/metrics``; ``{"verb": "taps"}`` how each tap does, with its last
fault; ``{"verb": "simulate", "tap": …, "line": …,
"fault": …, "amount": …}`` makes a fault happen on a tap without hardware. Answers: ``{"ok": true, …}`` or
``{"ok": false, "error": text}``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, final

import pydantic

from appliance.capture.supervisor import TapStatus
from appliance.control_client import SOCKET
from drivers.contract import TapError

logger = logging.getLogger(__name__)

MOST_BYTES = 64 << 10


class _Request(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")


@final
class Figures(_Request):
    """Show the figures."""

    verb: Literal["figures"] = "figures"


@final
class ShowTaps(_Request):
    """Show how the taps do."""

    verb: Literal["taps"] = "taps"


@final
class SimulateFault(_Request):
    """Make a fault happen: stall or overflow for ``amount`` (s, frames), drop, die."""

    verb: Literal["simulate"] = "simulate"
    tap: str
    line: str
    fault: str
    amount: float = 0.0


Request = Annotated[Figures | ShowTaps | SimulateFault, pydantic.Field(discriminator="verb")]
_STATUS: pydantic.TypeAdapter[TapStatus] = pydantic.TypeAdapter(TapStatus)
_REQUESTS: pydantic.TypeAdapter[Figures | ShowTaps | SimulateFault] = pydantic.TypeAdapter(Request)


@final
class ControlSocket:
    """Serves the socket in the running loop.

    Parameters
    ----------
    figures
        Gives the text of the figures.
    taps
        Tells how each tap does, by name.
    simulate
        Makes a fault happen on (tap, line); raises a TapError.
    """

    def __init__(
        self,
        run_dir: Path,
        figures: Callable[[], str],
        taps: Callable[[], Mapping[str, TapStatus]],
        simulate: Callable[[SimulateFault], Awaitable[None]],
    ) -> None:
        self.path = run_dir / SOCKET
        self._figures = figures
        self._taps = taps
        self._simulate = simulate
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; the file of an earlier life is replaced (the box's lock says that it is dead)."""
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self.path, limit=MOST_BYTES)
        os.chmod(self.path, 0o660)  # noqa: PTH101 - a socket's path, not a file's

    async def stop(self) -> None:
        """Listen no more, and remove the file."""
        if self._server is None:
            return
        self._server.close()
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            while line := await self._line(reader):
                answer = await self._answer(line)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readline()
        except ValueError:  # longer than MOST_BYTES
            logger.warning("control: a line over %d bytes was refused", MOST_BYTES)
            return b""

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = _REQUESTS.validate_json(line)
        except pydantic.ValidationError as error:
            return {"ok": False, "error": "; ".join(fault["msg"] for fault in error.errors())}
        if isinstance(request, Figures):
            return {"ok": True, "figures": self._figures()}
        if isinstance(request, ShowTaps):
            return {
                "ok": True,
                "taps": {name: _STATUS.dump_python(one, mode="json") for name, one in self._taps().items()},
            }
        try:
            await self._simulate(request)
        except TapError as error:
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}
        return {"ok": True}
