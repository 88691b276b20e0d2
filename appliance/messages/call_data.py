"""The data of a call as parameters, named as in :class:`appliance.calls.fields.CallFields`."""

from __future__ import annotations

import abc
from typing import Annotated

from appliance.calls.fields import USER_FIELDS
from appliance.messages.device_request import DeviceRequest
from appliance.messages.parameter import INT32_MAX, Choice, Number, Text
from appliance.messages.request import Request

_Own20 = Annotated[str | None, Text("data of your own, kept with the call", length=20)]
_Own50 = Annotated[str | None, Text("data of your own, kept with the call", length=50)]
_Own255 = Annotated[str | None, Text("data of your own, kept with the call", length=255)]

DESCRIPTIVE = ("group", "gate", "ani", "dnis", *USER_FIELDS, "call_direction")
"""Fields that every form of CALLUPDATE may change."""


class CallDescription(Request, abc.ABC):
    """Request that carries what describes a call or a session."""

    group: Annotated[str | None, Text("group", length=20)] = None
    gate: Annotated[str | None, Text("ACD gate or queue", length=20)] = None
    ani: Annotated[str | None, Text("number of the caller", length=20)] = None
    dnis: Annotated[str | None, Text("number that was called", length=20)] = None
    user1: _Own20 = None
    user2: _Own20 = None
    user3: _Own20 = None
    user4: _Own255 = None
    user5: _Own255 = None
    user6: _Own255 = None
    user7: _Own255 = None
    user8: _Own50 = None
    user9: _Own50 = None
    user10: _Own50 = None
    user11: _Own50 = None
    user12: _Own50 = None
    user13: _Own50 = None
    user14: _Own50 = None
    user15: _Own50 = None
    call_id: Annotated[str | None, Text("name of the call in your system", name="CALLID", length=255)] = None
    priority: Annotated[int | None, Number("priority of the call for recording", highest=100)] = None
    call_direction: Annotated[
        str | None,
        Choice(
            "I for a call that came in, O for one that went out; I while nobody says",
            name="CALLDIRECTION",
            words=("I", "O", "?"),
            otherwise="?",
        ),
    ] = None
    archive_action: Annotated[
        int | None,
        Number("archive action of the recording; -1 is not set", name="ARCHIVEACTION", lowest=-1, highest=INT32_MAX),
    ] = None
    keep_days: Annotated[
        int | None,
        Number("days to keep the recording; -1 is not set", name="KEEPDAYS", synonyms=("KEEP_DAYS",), lowest=-1),
    ] = None


class CallData(CallDescription, DeviceRequest, abc.ABC):
    """Request that carries the data of a device's call."""
