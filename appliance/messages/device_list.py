"""The DEVICES section, which DEVICELIST and DEVICESTATUS share."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.bus.commands import DeviceView
from appliance.calls.fields import USER_FIELDS
from appliance.messages.result import Body
from appliance.messages.wire_text import iso_time, us_time, yes_blank, yes_no

MODES = ("SIGNEDON", "SIGNEDOFF", "READY", "NOTREADY", "INCALL", "CALLEND", "LUNCH", "BREAK", "OTHER", "WRAP")
"""What MODECHANGE may say behind ``MODE_``; its place is its number in MODE."""


def devices_section(devices: Sequence[DeviceView], *, modes: bool = False) -> Body:
    """``DEVICES{COUNT, DEVICE*}``; COUNT stands inside. ``modes``: each tells its mode behind COREIDENT."""
    return (("DEVICES", (("COUNT", str(len(devices))), *(("DEVICE", _device(d, modes=modes)) for d in devices))),)


def _device(view: DeviceView, *, modes: bool) -> Body:
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
        *(_mode(view) if modes else ()),
        ("RECORDING", _recording(view)),
    )


def _mode(view: DeviceView) -> Body:
    name = view.mode.removeprefix("MODE_")
    return (
        ("MODE", str(MODES.index(name)) if name in MODES else ""),
        ("MODESTR", view.mode),
        ("LASTMODECHANGE", iso_time(view.mode_changed_at)),
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
