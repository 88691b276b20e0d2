"""The DEVICES section, which DEVICELIST and DEVICESTATUS share."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.bus.commands import DeviceView
from appliance.calls.fields import USER_FIELDS
from appliance.messages.result import Body
from appliance.messages.wire_text import us_time, yes_blank, yes_no


def devices_section(devices: Sequence[DeviceView]) -> Body:
    """``DEVICES{COUNT, DEVICE*}``; COUNT stands inside."""
    return (("DEVICES", (("COUNT", str(len(devices))), *(("DEVICE", _device(d)) for d in devices))),)


def _device(view: DeviceView) -> Body:
    fields = view.fields
    return (
        ("DEVICEID", view.device_id),
        ("DEVICEALIAS", fields.device_alias),
        ("CALLDISCRIMINATOR", view.call_instance),
        ("SYS_USER", fields.sys_user),
        ("CRM_USER", fields.crm_user),
        ("GROUP", fields.group),
        ("GATE", fields.gate),
        ("ANI", fields.ani),
        ("DNIS", fields.dnis),
        *((name.upper(), getattr(fields, name)) for name in USER_FIELDS),
        ("CALLDIRECTION", fields.call_direction),
        ("ISTRUNK", yes_blank(view.is_trunk)),
        ("STATION", fields.station),
        ("STARTTIME", us_time(view.started_at)),
        ("STOPTIME", us_time(view.stopped_at)),
        ("COREIDENT", str(view.core_id)),
        ("RECORDING", _recording(view)),
    )


def _recording(view: DeviceView) -> Body:
    return (
        ("ISRECORDING", yes_no(view.is_recording)),
        ("ISRECORDINGVIDEO", yes_no(view.is_recording_video)),
        ("FILENAME", view.filename),
        ("CALLID", view.fields.call_id),
        ("SESSIONID", view.fields.session_id),
        ("CALLINSTANCE", view.call_instance),
    )
