"""The five events of the wire contract, as typed records in past tense; the event proxy prints them by these orders.

Each class declares its wire class, type, MODULE and the exact order of EVENTDATA (contract B.7, kept irregular on
purpose: clients were written against it).
"""

from __future__ import annotations

import datetime as dt
from typing import ClassVar, final

import pydantic

from appliance.calls.fields import CallFields


def _users(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"USER{n}" for n in range(first, last + 1))


class Event(pydantic.BaseModel):
    """What all events carry. ``order`` names the wire's elements, each found in ``fields`` or beside it."""

    model_config = pydantic.ConfigDict(frozen=True)

    event_class: ClassVar[str]
    event_type: ClassVar[str]
    module: ClassVar[str]
    order: ClassVar[tuple[str, ...]]

    happened_at: dt.datetime
    core_id: int
    device_id: str
    global_call_id: str
    keep_days: int
    archive_action: int = -1
    call_instance: str = ""
    fields: CallFields


@final
class CallStarted(Event):
    """A CTI or API source told that a call began."""

    event_class: ClassVar[str] = "CALL"
    event_type: ClassVar[str] = "CALLSTART"
    module: ClassVar[str] = "Api"
    order: ClassVar[tuple[str, ...]] = (
        *("GLOBALCALLID", "DEVICEID", "DEVICEALIAS", "SYS_USER", "CRM_USER", "GATE", "ANI", "DNIS", "AGENTID"),
        *_users(1, 15),
        *("GROUP", "CALLINSTANCE", "CALLDIRECTION", "STATION", "ISTRUNK", "KEEPDAYS", "ARCHIVEACTION"),
        *("STARTTIME", "COREIDENT"),
    )
    is_trunk: bool = False


@final
class CallStopped(Event):
    """A CTI or API source told that a call ended."""

    event_class: ClassVar[str] = "CALL"
    event_type: ClassVar[str] = "CALLSTOP"
    module: ClassVar[str] = "Api"
    order: ClassVar[tuple[str, ...]] = (
        *("DEVICEALIAS", "SYS_USER", "CRM_USER", "GATE", "ANI", "DNIS", "AGENTID"),
        *_users(1, 10),
        "CALLINSTANCE",
        *_users(11, 15),
        *("GROUP", "KEEPDAYS", "ARCHIVEACTION", "GLOBALCALLID", "DEVICEID", "COREIDENT"),
    )


@final
class RecordingStarted(Event):
    """A recording began, or could not: then ``error_reason`` is not NONE and ``filename`` is empty."""

    event_class: ClassVar[str] = "RECORD"
    event_type: ClassVar[str] = "RECORDINGSTARTED"
    module: ClassVar[str] = "Api"
    order: ClassVar[tuple[str, ...]] = (
        *("DEVICEID", "FILENAME", "CHANNEL", "ERRORREASON", "GLOBALCALLID", "DEVICEALIAS", "GATE", "ANI", "DNIS"),
        *("AGENTID", *_users(1, 13), "CALLINSTANCE", "USER14", "USER15", "GROUP", "KEEPDAYS", "ARCHIVEACTION"),
        "COREIDENT",
    )
    filename: str
    channel: int
    error_reason: str = "NONE"


@final
class RecordingStopped(Event):
    """A recording ended; it is not saved yet."""

    event_class: ClassVar[str] = "RECORD"
    event_type: ClassVar[str] = "RECORDINGSTOPPED"
    module: ClassVar[str] = ""
    order: ClassVar[tuple[str, ...]] = (
        *("GLOBALCALLID", "DEVICEID", "DEVICEALIAS", "GATE", "ANI", "DNIS", "AGENTID"),
        *_users(1, 5),
        *("KEEPDAYS", "RECORDID", "COREIDENT"),
    )
    record_id: int


@final
class RecordingSaved(Event):
    """A recording is saved: its file is whole and its row is in the database."""

    event_class: ClassVar[str] = "RECORD"
    event_type: ClassVar[str] = "RECORDINGUPDATE"
    module: ClassVar[str] = ""
    order: ClassVar[tuple[str, ...]] = ("GLOBALCALLID", "DEVICEID", "KEEPDAYS", "FILENAME", "RECORDID", "COREIDENT")
    filename: str
    record_id: int


EVENTS: tuple[type[Event], ...] = (CallStarted, CallStopped, RecordingStarted, RecordingStopped, RecordingSaved)
