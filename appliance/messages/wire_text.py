"""Text forms of the wire that several message types share."""

from __future__ import annotations

import datetime as dt

from appliance import clock

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def us_time(moment: dt.datetime | None) -> str:
    """``2/1/2011 11:49:32 AM``: US order, nothing padded before the minutes, the box's local time; blank for None."""
    if moment is None:
        return ""
    at = clock.local(moment)
    half = "AM" if at.hour < 12 else "PM"
    return f"{at.month}/{at.day}/{at.year} {(at.hour - 1) % 12 + 1}:{at.minute:02}:{at.second:02} {half}"


def short_time(moment: dt.datetime) -> str:
    """``Feb 2 2011 4:53PM``: English, nothing padded before the minutes, the box's local time."""
    at = clock.local(moment)
    half = "AM" if at.hour < 12 else "PM"
    return f"{_MONTHS[at.month - 1]} {at.day} {at.year} {(at.hour - 1) % 12 + 1}:{at.minute:02}{half}"


def iso_time(moment: dt.datetime | None) -> str:
    """``2011-02-01 11:49:32``, the box's local time; blank for None."""
    return f"{clock.local(moment):%Y-%m-%d %H:%M:%S}" if moment else ""


def yes_no(value: bool) -> str:  # noqa: FBT001 - it is the value to print
    """``Y`` or ``N``."""
    return "Y" if value else "N"


def yes_blank(value: bool) -> str:  # noqa: FBT001 - it is the value to print
    """``Y`` or blank, as ISTRUNK has it."""
    return "Y" if value else ""
