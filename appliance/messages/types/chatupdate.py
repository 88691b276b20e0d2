"""CHATUPDATE."""

from __future__ import annotations

from typing import Annotated, ClassVar

from appliance.bus.commands import Services
from appliance.bus.control import UpdateChat
from appliance.messages.call_data import DESCRIPTIVE, CallDescription
from appliance.messages.chat_request import ChatRequest
from appliance.messages.origin import Origin
from appliance.messages.parameter import Text
from appliance.messages.result import Result

_FIELDS = ("device_alias", *DESCRIPTIVE, "call_id", "priority", "archive_action", "keep_days")


class ChatUpdate(CallDescription, ChatRequest):
    """Changes the data of a session at an agent's screen. A session that nobody began is no error.

    An absent parameter leaves, a present and blank one clears descriptive data.
    """

    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: every core was told, or some; RESULTMSG lists those that could not be told",
        "API_SESSIONID_UNSPECIFIED: no SESSIONID",
        "API_ERROR_RECORDER_NOT_RUNNING: no core could be told",
        "API_REQUESTID_INVALID: REQUESTID out of range",
        "API_ERROR_PROCESSING_MESSAGE: a value that cannot be used",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = ({"REQUESTID": "93", "SESSIONID": "w-4711", "GROUP": "53"},)

    device_alias: Annotated[
        str | None,
        Text("phone id of the agent", name="DEVICEALIAS", length=15, over_long="refuse", blank="is not passed"),
    ] = None

    async def answer(self, services: Services, origin: Origin) -> Result:
        """Tell the cores."""
        command = UpdateChat(session_id=str(self.session_id), fields=self.passed(_FIELDS))
        return await self.send(command, services)
