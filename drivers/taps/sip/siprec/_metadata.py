"""What the documents of one recording session say together."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from typing import Final, final

from drivers.taps.sip._message import user_of
from drivers.taps.sip.siprec._document import Document, child_texts, identifier, text_of

_MOST_CHARACTERS: Final = 255
_MOST_ELEMENTS: Final = 500


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who takes part. ``aor`` is an address (a SIP or tel: URI)."""

    identifier: str
    aor: str = ""
    name: str = ""

    @property
    def user(self) -> str:
        """User part of the address, or all of it where it is no URI."""
        aor = self.aor if ":" in self.aor else f"sip:{self.aor}"
        return user_of(aor) or self.aor


@final
class Metadata:
    """Participants in the order in which they came, streams with their labels, and who sends on which."""

    def __init__(self) -> None:
        self.participants: dict[str, Participant] = {}
        self.elements: dict[str, str] = {}  # first text of each element, by its local name in lower case
        self._labels: dict[str, str] = {}  # of each stream
        self._sends: dict[str, set[str]] = {}  # streams of each participant

    def take(self, document: Document) -> None:
        """Add what a document says; a complete one replaces what was known, if it names anybody."""
        if not document.partial and any(document.all("participant")):
            self.participants.clear()
            self._labels.clear()
            self._sends.clear()
        for element in document.all("participant"):
            self._participant(element)
        for element in document.all("stream"):
            labels = child_texts(element, "label") or [identifier(element, "label")]
            self._labels[identifier(element, "stream_id", "id")] = labels[0]
        for element in document.all("participantstreamassoc"):
            self._association(element)
        self._remember(document)

    def senders(self, label: str) -> list[Participant]:
        """Who sends on the stream of that label."""
        streams = {stream for stream, known in self._labels.items() if known == label}
        return [p for p in self.participants.values() if label and self._sends.get(p.identifier, set()) & streams]

    def _participant(self, element: ET.Element) -> None:
        key = identifier(element, "participant_id", "id")
        old = self.participants.get(key, Participant(key))
        aors = [identifier(e, "aor") for e in element.iter()]
        aor = next((one for one in [*aors, *child_texts(element, "aor")] if one), old.aor)
        name = next(iter(child_texts(element, "name")), old.name)
        self.participants[key] = Participant(key, aor[:_MOST_CHARACTERS], name[:_MOST_CHARACTERS])
        if sends := child_texts(element, "send"):  # as early drafts have it
            self._sends.setdefault(key, set()).update(sends)

    def _association(self, element: ET.Element) -> None:
        key = identifier(element, "participant_id", "participant")
        sends = set(child_texts(element, "send"))
        if child_texts(element, "disassociate-time"):
            self._sends[key] = self._sends.get(key, set()) - sends if sends else set()
        elif sends:
            self._sends[key] = sends

    def _remember(self, document: Document) -> None:
        """Note every element's text, also by the values of its attributes: ``header/X-UCID``."""
        seen: dict[str, str] = {}
        for element in document.everything():
            text = text_of(element)[:_MOST_CHARACTERS]
            name = element.tag.rpartition("}")[2].lower()
            for key in (name, *(f"{name}/{value.lower()}" for value in element.attrib.values())):
                if text and len(seen) < _MOST_ELEMENTS:
                    seen.setdefault(key, text)
        self.elements.update(seen)
