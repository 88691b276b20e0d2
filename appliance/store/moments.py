"""Read the moments that a client writes, in any of the wire's forms, as the span of time that they name."""

from __future__ import annotations

import datetime as dt

_SECOND = dt.timedelta(seconds=1)
_MINUTE = dt.timedelta(minutes=1)
_DAY = dt.timedelta(days=1)

_FORMS: tuple[tuple[str, dt.timedelta], ...] = (
    ("%m/%d/%Y %I:%M:%S %p", _SECOND),  # 2/1/2011 11:49:32 AM
    ("%m/%d/%Y %I:%M %p", _MINUTE),
    ("%m/%d/%Y", _DAY),
    ("%b %d %Y %I:%M%p", _MINUTE),  # Feb 2 2011 4:53PM
    ("%b %d %Y %I:%M:%S%p", _SECOND),
    ("%Y-%m-%d %H:%M:%S", _SECOND),
    ("%Y-%m-%dT%H:%M:%S", _SECOND),
    ("%Y-%m-%d %H:%M", _MINUTE),
    ("%Y-%m-%dT%H:%M", _MINUTE),
    ("%Y-%m-%d", _DAY),
)


def span_of(text: str) -> tuple[dt.datetime, dt.datetime] | None:
    """Give the first moment and the first one behind, or None for what is no moment. No offset means local time."""
    text = " ".join(text.split())
    for form, length in _FORMS:
        try:
            moment = dt.datetime.strptime(text, form)  # noqa: DTZ007 - local time is what it means
        except ValueError:
            continue
        return _aware(moment, length)
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    named = dt.timedelta(microseconds=1) if "." in text else _SECOND
    return _aware(moment, named)


def _aware(moment: dt.datetime, length: dt.timedelta) -> tuple[dt.datetime, dt.datetime] | None:
    try:
        return moment.astimezone(dt.UTC), (moment + length).astimezone(dt.UTC)
    except (OverflowError, OSError, ValueError):  # the first or last year that a datetime can hold
        return None
