"""How a caller is told that it is recorded, where it wants to know (RFC 7866, 6.2)."""

from __future__ import annotations

import re
from typing import Final

AWARE: Final = "record-aware"
_PREFERENCE: Final = re.compile(r"^a=recordpref:", re.MULTILINE | re.IGNORECASE)
_SECTIONS: Final = re.compile(r"^(?=m=)", re.MULTILINE)
_LIVE_AUDIO: Final = re.compile(r"m=audio\s+[1-9]")
_ON: Final = "a=record:on\r\n"


def wants_indication(sdp: str) -> bool:
    """Whether an offer says what its sender would like about recording; whatever that is, it wants an answer."""
    return _PREFERENCE.search(sdp) is not None


def indicate(sdp: str) -> str:
    """Say of every audio stream of a description that it is recorded."""
    head, *sections = _SECTIONS.split(sdp)
    told = (section.rstrip() + "\r\n" + _ON if _LIVE_AUDIO.match(section) else section for section in sections)
    return head + "".join(told)
