"""Read what the tap needs from a SIP request's text. Lenient: what cannot be read is empty.

PJSIP has parsed the request before; this reads the parts again that its Python binding hides. RFC 3261 chapter 7.
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Iterable
from typing import Final, Self, final

_COMPACT: Final = {
    "c": "content-type",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "m": "contact",
    "t": "to",
    "v": "via",
    "x": "session-expires",
}
_FOLD: Final = re.compile(r"\r?\n[ \t]+")
_LINE: Final = re.compile(r"\r?\n")
_URI: Final = re.compile(r"(?:sips?|tel):([^@;>?\s]*)(@)?", re.IGNORECASE)
_TAG: Final = re.compile(r";\s*tag\s*=\s*([^\s;,>]+)", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_AUDIO: Final = re.compile(r"^m=audio[ \t]+(\d+)", re.MULTILINE)
_LABEL: Final = re.compile(r"^a=label:[ \t]*(\S+)", re.MULTILINE)
_METADATA: Final = re.compile(r"application/rs-metadata(\+xml)?\b", re.IGNORECASE)
_BOUNDARY: Final = re.compile(r"boundary\s*=\s*(?:\"([^\"]+)\"|([^\s;]+))", re.IGNORECASE)
MAX_NAME: Final = 64


def user_of(value: str) -> str:
    """User part of the URI in a To or From header or a request line, unescaped; of a tel: URI the number."""
    value = re.sub(r'"(?:[^"\\]|\\.)*"', "", value)  # a display name may look like a URI
    found = _URI.search(value)
    if found is None or (not found[2] and not found[0].lower().startswith("tel:")):
        return ""
    return plain(urllib.parse.unquote(found[1].split(":", 1)[0], errors="replace"))


def tag_of(value: str) -> str:
    """Tag of a To or From header; empty where there is none."""
    found = _TAG.search(value.rpartition(">")[2])  # all of it where the URI has no brackets
    return found[1] if found else ""


def plain(text: str) -> str:
    """Text without control characters and blanks round it, at most :data:`MAX_NAME` characters."""
    return _CONTROL.sub("", text).strip()[:MAX_NAME]


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """A SIP request. ``headers`` have long names in lower case, in the order of the message."""

    method: str
    request_uri: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @classmethod
    def read(cls, octets: bytes) -> Self:
        """Read a request; octets that are no UTF-8 become U+FFFD."""
        text = octets.decode("utf-8", errors="replace")
        head, _, body = text.replace("\r\n", "\n").partition("\n\n")
        first, *rest = _LINE.split(_FOLD.sub(" ", head))
        words = first.split(" ")
        headers = []
        for line in rest:
            name, colon, value = line.partition(":")
            if colon:
                key = name.strip().lower()
                headers.append((_COMPACT.get(key, key), value.strip()))
        return cls(words[0], words[1] if len(words) > 1 else "", tuple(headers), body)

    def header(self, name: str) -> str:
        """First header of that name (lower case); empty where there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def asks(self, tag: str) -> bool:
        """Whether the sender requires an extension (RFC 3261, 20.32)."""
        return tag in self.tags("require")

    def tags(self, name: str) -> set[str]:
        """Option tags of every header of that name, in lower case."""
        return {tag.strip().lower() for value in self.all(name) for tag in value.split(",") if tag.strip()}

    def all(self, name: str) -> tuple[str, ...]:
        """Every header of that name (lower case), in order."""
        return tuple(value for key, value in self.headers if key == name)

    @property
    def call_id(self) -> str:
        """Call-ID."""
        return self.header("call-id")

    @property
    def from_tag(self) -> str:
        """Tag of the sender."""
        return tag_of(self.header("from"))

    @property
    def to_tag(self) -> str:
        """Tag of the receiver; empty in a request that begins a dialog."""
        return tag_of(self.header("to"))

    @property
    def ani(self) -> str:
        """Who calls: the user of From."""
        return user_of(self.header("from"))

    @property
    def dnis(self) -> str:
        """Who is called: the user of To, or of the request line."""
        return user_of(self.header("to")) or user_of(self.request_uri)

    def device(self, rules: Iterable[str]) -> str:
        """Name of the call's device by the first rule that gives one; empty where none does."""
        return next((name for name in map(self._by_rule, rules) if name), "")

    def _by_rule(self, rule: str) -> str:
        match rule.partition(":"):
            case ("header", _, name):
                return plain(self.header(name.lower()))
            case ("to-user", _, _):
                return user_of(self.header("to"))
            case ("from-user", _, _):
                return user_of(self.header("from"))
            case _:
                return user_of(self.request_uri)

    @property
    def metadata(self) -> str:
        """SIPREC metadata in the body (RFC 7866), alone or beside SDP; empty where there is none."""
        kind = self.header("content-type")
        if _METADATA.search(kind):
            return self.body
        boundary = _BOUNDARY.search(kind)
        if not boundary or not kind.lower().startswith("multipart/"):
            return ""
        for part in self.body.split("--" + (boundary[1] or boundary[2])):
            head, _, content = part.lstrip("\n").partition("\n\n")
            if _METADATA.search(head):
                return content
        return ""

    def labels(self) -> list[str]:
        """One entry for each audio stream that the body offers: its a=label, or empty (RFC 4574)."""
        return [label for port, label in self._lines() if port]

    def labels_by_line(self) -> list[str]:
        """The a=label of every m= line of the body, of whatever kind; empty where it has none."""
        return [label for _, label in self._lines(every=True)]

    def _lines(self, *, every: bool = False) -> list[tuple[int, str]]:
        """Port and label of the audio lines, or of all; a port of no number counts as none."""
        found = []
        for part in re.split(r"^(?=m=)", self.body, flags=re.MULTILINE)[1:]:
            audio = _AUDIO.match(part)
            if audio or every:
                label = _LABEL.search(part)
                found.append((int(audio[1]) if audio else 0, label[1] if label else ""))
        return found
