"""Print an event: CALLCOPYEVENT{EVENTCLASS, EVENTTYPE, MODULE, EVENTXREF, EVENTDATA} by the event's declared order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance.calls.fields import USER_FIELDS
from appliance.events.types import Event
from appliance.messages.printing import print_document
from appliance.messages.result import Body
from appliance.messages.wire_text import us_time, yes_blank
from appliance.settings.models import ApiSettings


def print_event(event: Event, xref: str, api: ApiSettings) -> bytes:
    """Print the document for one subscription."""
    data: Body = tuple((name, _VALUES[name](event, api)) for name in event.order)
    body: Body = (
        ("EVENTCLASS", event.event_class),
        ("EVENTTYPE", event.event_type),
        ("MODULE", event.module),
        ("EVENTXREF", xref),
        ("EVENTDATA", data),
    )
    return print_document("CALLCOPYEVENT", body, compact=api.compact)


_Value = Callable[[Event, ApiSettings], str]


def _call(field: str) -> _Value:
    """Value of a call field."""
    return lambda event, _api: str(getattr(event.fields, field))


def _own(attribute: str) -> _Value:
    """Value of the event's own attribute."""
    return lambda event, _api: str(getattr(event, attribute))


_VALUES: Mapping[str, _Value] = {
    "GLOBALCALLID": _own("global_call_id"),
    "DEVICEID": _own("device_id"),
    "CALLINSTANCE": _own("call_instance"),
    "KEEPDAYS": _own("keep_days"),
    "ARCHIVEACTION": _own("archive_action"),
    "COREIDENT": _own("core_id"),
    "FILENAME": _own("filename"),
    "RECORDID": _own("record_id"),
    "ERRORREASON": _own("error_reason"),
    "CHANNEL": lambda event, api: str(getattr(event, "channel", 0) + api.channel_id_base),
    "ISTRUNK": lambda event, _api: yes_blank(getattr(event, "is_trunk", False)),
    "STARTTIME": lambda event, _api: us_time(event.happened_at),
    "DEVICEALIAS": _call("device_alias"),
    "SYS_USER": _call("sys_user"),
    "CRM_USER": _call("crm_user"),
    "GATE": _call("gate"),
    "ANI": _call("ani"),
    "DNIS": _call("dnis"),
    "AGENTID": _call("agent_id"),
    "GROUP": _call("group"),
    "CALLDIRECTION": _call("call_direction"),
    "STATION": _call("station"),
    **{name.upper(): _call(name) for name in USER_FIELDS},
}
