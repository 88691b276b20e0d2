"""Names for the identifiers that cross rooms, so that a type checker keeps them apart."""

from __future__ import annotations

from typing import NewType

DeviceId = NewType("DeviceId", str)
"""A device's opaque name, up to 64 characters, as clients and PBXes send it."""

RecordId = NewType("RecordId", int)
"""RECORDID of the wire, ``ident`` of the record: positive, never used twice on a box."""

GlobalCallId = NewType("GlobalCallId", str)
"""15 digits: four of the core, eleven that count calls."""

CoreId = NewType("CoreId", int)
ChannelId = NewType("ChannelId", int)
"""Counts from 0 through the taps in the order of the settings and their lines in order."""

SessionId = NewType("SessionId", str)
"""Name of a capture session's folder in the spool."""
