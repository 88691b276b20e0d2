"""What CHATSTART, CHATUPDATE and CHATSTOP share."""

from __future__ import annotations

import abc
from typing import Annotated, ClassVar

from appliance.bus.commands import Command, Services
from appliance.errors import RequestError, SessionUnspecifiedError
from appliance.messages.delivery import told_cores
from appliance.messages.parameter import Text
from appliance.messages.request import Request
from appliance.messages.result import Result


class ChatRequest(Request, abc.ABC):
    """Request about a session at an agent's screen."""

    keys: ClassVar[tuple[str, ...]] = ("session_id",)
    keys_fault: ClassVar[type[RequestError]] = SessionUnspecifiedError

    session_id: Annotated[
        str | None, Text("name of the session in your system", name="SESSIONID", length=255, over_long="refuse")
    ] = None

    async def send(self, command: Command, services: Services) -> Result:
        """Tell the cores; as for blackouts, some of them are API_OK too."""
        delivery = await services.bus.send(command)
        return self.result(message=told_cores(self.envelope.request_type, delivery))
