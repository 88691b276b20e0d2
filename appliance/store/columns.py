"""The names by which a client may look a record up (UNIQUEFIELD), declared once, and what a value of each means.

API names come from the parameters of calls and the elements of DEVICELIST, further ones from the column names that a
later version of the protocol shows. Text is compared without regard to the case of A to Z, as DEVICESTATUS does; file
names exactly. A number may be written with blanks, zeros and fractions; a moment in the wire's three forms or as ISO
8601, in local time where it names no offset, and means the whole second, minute or day that it names.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, final

import peewee

from appliance.calls.fields import USER_FIELDS
from appliance.store.moments import span_of
from appliance.store.tables import RecordingRow


@final
class Kind(enum.Enum):
    """How the text of a request is compared with the column."""

    TEXT = "text"
    EXACT = "exact text"
    NUMBER = "whole number"
    SECONDS = "seconds"
    FLAG = "Y or N"
    MOMENT = "moment"
    NEVER = "N, whatever the record"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """One column that can be looked up, and every name it has, in lower case."""

    column: str
    kind: Kind
    names: tuple[str, ...]


LOOK_UPS: tuple[Column, ...] = (
    Column("record_id", Kind.NUMBER, ("recordid", "ident")),
    Column("global_call_id", Kind.TEXT, ("globalcallid", "globalid")),
    Column("core_id", Kind.NUMBER, ("coreident",)),
    Column("channel", Kind.NUMBER, ("channel",)),
    Column("device_id", Kind.TEXT, ("deviceid", "device_id")),
    Column("device_alias", Kind.TEXT, ("devicealias", "device_alias")),
    Column("station", Kind.TEXT, ("station", "stationname", "computername")),
    Column("sys_user", Kind.TEXT, ("sys_user", "sysusername")),
    Column("crm_user", Kind.TEXT, ("crm_user", "crmusername")),
    Column("agent_id", Kind.TEXT, ("agentid", "agent_id")),
    Column("call_instance", Kind.TEXT, ("callinstance", "calldiscriminator")),
    Column("call_id", Kind.TEXT, ("callid",)),
    Column("session_id", Kind.TEXT, ("sessionid",)),
    Column("sgroup", Kind.TEXT, ("group", "sgroup")),
    Column("gate", Kind.TEXT, ("gate",)),
    Column("ani", Kind.TEXT, ("ani",)),
    Column("dnis", Kind.TEXT, ("dnis",)),
    *(Column(name, Kind.TEXT, (name,)) for name in USER_FIELDS),
    Column("call_direction", Kind.TEXT, ("calldirection",)),
    Column("is_trunk", Kind.FLAG, ("istrunk",)),
    Column("record_id", Kind.NEVER, ("isrecording",)),  # what is recorded has ended
    Column("priority", Kind.NUMBER, ("priority",)),
    Column("keep_days", Kind.NUMBER, ("keepdays", "keep_days")),
    Column("archive_action", Kind.NUMBER, ("archiveaction", "archive_action_id")),
    Column("max_record_time_s", Kind.NUMBER, ("maxrecordtime",)),
    Column("max_record_silence_s", Kind.NUMBER, ("maxrecordsilence",)),
    Column("agent_initiated", Kind.FLAG, ("agentinitiated",)),
    Column("cti_initiated", Kind.FLAG, ("ctiinitiated",)),
    Column("dial_to_monitor", Kind.TEXT, ("dialtomonitor",)),
    Column("override_disk_location", Kind.TEXT, ("overridedisklocation",)),
    Column("call_started_at", Kind.MOMENT, ("starttime",)),
    Column("stopped_at", Kind.MOMENT, ("stoptime",)),
    Column("started_at", Kind.MOMENT, ("recording_time",)),
    Column("recording_type", Kind.TEXT, ("recording_type",)),
    Column("filename", Kind.EXACT, ("filename",)),
    Column("duration_s", Kind.SECONDS, ("duration",)),
    Column("audio_hash", Kind.TEXT, ("audio_hash",)),
    Column("audio_size", Kind.NUMBER, ("audio_size",)),
    Column("locked", Kind.FLAG, ("locked",)),
    Column("overridden", Kind.FLAG, ("overridden",)),
    Column("listened_to", Kind.NUMBER, ("listenedto",)),
    Column("media_label", Kind.TEXT, ("medialabel",)),
    Column("screen_capture", Kind.FLAG, ("screen_capture", "isrecordingvideo")),
    Column("filename_video", Kind.EXACT, ("filename_video",)),
    Column("video_hash", Kind.TEXT, ("video_hash",)),
    Column("video_size", Kind.NUMBER, ("video_size",)),
    Column("wrap_duration_s", Kind.SECONDS, ("wrap_duration",)),
)

BY_NAME: dict[str, Column] = {name: column for column in LOOK_UPS for name in column.names}

_FLAGS = {
    "y": True,
    "yes": True,
    "true": True,
    "1": True,
    "n": False,
    "no": False,
    "false": False,
    "0": False,
    "": False,
}


def condition(column: Column, value: str) -> peewee.Expression | None:
    """Give the condition under which a row has the value, or None where no row can have it."""
    return _CONDITIONS[column.kind](getattr(RecordingRow, column.column), value.strip())


def _text(field: Any, value: str) -> peewee.Expression:
    expression: peewee.Expression = peewee.fn.LOWER(field) == peewee.fn.LOWER(value)
    return expression


def _exact(field: Any, value: str) -> peewee.Expression:
    expression: peewee.Expression = field == value
    return expression


def _number(field: Any, value: str) -> peewee.Expression | None:
    number = _decimal(value)
    if number is None or number != number.to_integral_value() or abs(number) >= 1 << 63:
        return None
    expression: peewee.Expression = field == int(number)
    return expression


def _seconds(field: Any, value: str) -> peewee.Expression | None:
    number = _decimal(value)
    if number is None:
        return None
    exponent = number.as_tuple().exponent
    half = Decimal(5).scaleb(min(int(exponent), 0) - 1)  # the value stands for all that are rounded to it
    expression: peewee.Expression = (field >= float(number - half)) & (field < float(number + half))
    return expression


def _flag(field: Any, value: str) -> peewee.Expression | None:
    flag = _FLAGS.get(value.lower())
    if flag is None:
        return None
    expression: peewee.Expression = field == flag
    return expression


def _never(field: Any, value: str) -> peewee.Expression | None:
    if _FLAGS.get(value.lower(), True):
        return None
    expression: peewee.Expression = field.is_null(False)
    return expression


def _moment(field: Any, value: str) -> peewee.Expression | None:
    span = span_of(value)
    if span is None:
        return None
    expression: peewee.Expression = (field >= span[0]) & (field < span[1])
    return expression


def _decimal(value: str) -> Decimal | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and -20 < number.adjusted() < 20 else None


_CONDITIONS: dict[Kind, Callable[[Any, str], peewee.Expression | None]] = {
    Kind.TEXT: _text,
    Kind.EXACT: _exact,
    Kind.NUMBER: _number,
    Kind.SECONDS: _seconds,
    Kind.FLAG: _flag,
    Kind.MOMENT: _moment,
    Kind.NEVER: _never,
}
