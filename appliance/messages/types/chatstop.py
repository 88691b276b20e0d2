"""CHATSTOP."""

from __future__ import annotations

from typing import ClassVar

from appliance.bus.commands import Services
from appliance.bus.control import StopChat
from appliance.messages.chat_request import ChatRequest
from appliance.messages.origin import Origin
from appliance.messages.result import Result


class ChatStop(ChatRequest):
    """Ends a session at an agent's screen; its record is saved. A session that nobody began is no error."""

    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: every core was told, or some; RESULTMSG lists those that could not be told",
        "API_SESSIONID_UNSPECIFIED: no SESSIONID",
        "API_ERROR_RECORDER_NOT_RUNNING: no core could be told",
        "API_REQUESTID_INVALID: REQUESTID out of range",
        "API_ERROR_PROCESSING_MESSAGE: SESSIONID is too long",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "94", "SESSIONID": "w-4711"},)

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Tell the cores."""
        return await self.send(StopChat(session_id=str(self.session_id)), services)
