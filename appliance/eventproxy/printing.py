"""Print an event: CALLCOPYEVENT{EVENTCLASS, EVENTTYPE, MODULE, EVENTXREF, EVENTDATA} by the event's declared order.

Subscribers that asked for the extensions get SEQUENCE before EVENTDATA, and two documents of EVENTCLASS SYSTEM beside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance.calls.fields import USER_FIELDS
from appliance.events.history import Gap
from appliance.events.types import Event
from appliance.messages.printing import print_document
from appliance.messages.result import Body
from appliance.messages.wire_text import us_time, yes_blank
from appliance.settings.models import ApiSettings


def print_event(event: Event, xref: str, api: ApiSettings, sequence: int | None = None) -> bytes:
    """Print the document for one subscription, with SEQUENCE if one is given."""
    data: Body = tuple((name, _VALUES[name](event, api)) for name in event.order)
    numbered: Body = () if sequence is None else (("SEQUENCE", str(sequence)),)
    return _print(event.event_class, event.event_type, event.module, xref, (*numbered, ("EVENTDATA", data)), api)


def print_gap(gap: Gap, xref: str, api: ApiSettings) -> bytes:
    """Print what a subscription missed because it did not read."""
    data: Body = (
        ("COUNT", str(gap.count)),
        ("FIRSTSEQUENCE", str(gap.first)),
        ("LASTSEQUENCE", str(gap.last)),
    )
    return _print("SYSTEM", "GAP", "", xref, (("EVENTDATA", data),), api)


def print_heartbeat(last: int, xref: str, api: ApiSettings) -> bytes:
    """Print that the subscription is alive, and has had whatever it asked for up to the event ``last``."""
    data: Body = (("LASTSEQUENCE", str(last)),)
    return _print("SYSTEM", "HEARTBEAT", "", xref, (("EVENTDATA", data),), api)


def _print(event_class: str, event_type: str, module: str, xref: str, rest: Body, api: ApiSettings) -> bytes:
    head: Body = (
        ("EVENTCLASS", event_class),
        ("EVENTTYPE", event_type),
        ("MODULE", module),
        ("EVENTXREF", xref),
    )
    return print_document("CALLCOPYEVENT", head + rest, compact=api.compact)


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
