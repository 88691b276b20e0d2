"""The only place that asks what time it is.

Durations come from the monotonic clock, which all processes of a machine share until it is booted anew; wall time
is aware UTC, shown in the box's local time.
"""

from __future__ import annotations

import datetime as dt
import time


def now() -> dt.datetime:
    """Return the moment as aware UTC."""
    return dt.datetime.now(dt.UTC)


def monotonic_s() -> float:
    """Seconds of CLOCK_MONOTONIC: the same scale in every process of this machine."""
    return time.monotonic()


def local(moment: dt.datetime) -> dt.datetime:
    """Give the moment with the box's local offset."""
    return moment.astimezone()


def ago(seconds: float) -> dt.datetime:
    """Return the moment that long ago, as aware UTC."""
    return now() - dt.timedelta(seconds=seconds)
