"""What the documents of one recording session say together."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from typing import Final, final

from drivers.taps.sip._message import plain, user_of
from drivers.taps.sip.siprec._document import Document, child_texts, identifier, local_name, text_of

_MOST_CHARACTERS: Final = 255
_MOST_ELEMENTS: Final = 500


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who takes part. ``aor`` is an address (a SIP or tel: URI); ``calling`` is None where nobody says."""

    identifier: str
    aor: str = ""
    name: str = ""
    calling: bool | None = None

    @property
    def user(self) -> str:
        """User part of the address; where it has none the name, or all of it where it is no URI."""
        aor = self.aor if ":" in self.aor else f"sip:{self.aor}"
        return user_of(aor) or plain(self.name) or self.aor


@final
class Metadata:
    """Participants in the order in which they came, streams with their labels, and who sends on which."""

    def __init__(self) -> None:
        self.participants: dict[str, Participant] = {}
        self.elements: dict[str, str] = {}  # first text of each element, by its local name in lower case
        self._labels: dict[str, str] = {}  # of each stream
        self._sends: dict[str, set[str]] = {}  # streams of each participant
        self._left: set[str] = set()  # streams whose last sender is said to send on them no more

    def take(self, document: Document) -> None:
        """Add what a document says; a complete one replaces what was known, if it names anybody."""
        before = {key: set(streams) for key, streams in self._sends.items()}
        if not document.partial and any(document.all("participant")):
            self.participants.clear()
            self._labels.clear()
            self._sends.clear()
        for element in document.all("participant"):
            self._participant(element)
        for element in document.all("extensiondata"):
            self._extension(element)
        for element in document.all("stream"):
            labels = child_texts(element, "label") or [identifier(element, "label")]
            self._labels[identifier(element, "stream_id", "id")] = labels[0]
        told = [self._association(element) for element in document.all("participantstreamassoc")]
        self._note_left(before, set(told))
        self._remember(document)

    def senders(self, label: str) -> list[Participant]:
        """Who sends on the stream of that label."""
        streams = self._streams(label)
        return [p for p in self.participants.values() if label and self._sends.get(p.identifier, set()) & streams]

    def is_paused(self, label: str) -> bool:
        """Whether whoever sent on the stream of that label is said to send on it no more (RFC 7865, 6.7)."""
        return bool(label and self._streams(label) & self._left)

    def _streams(self, label: str) -> set[str]:
        return {stream for stream, known in self._labels.items() if known == label}

    def _note_left(self, before: dict[str, set[str]], told: set[str]) -> None:
        """See which streams lost their senders, by what the document says of these; what it leaves out says nothing."""
        sent_on = set().union(*self._sends.values())
        self._left -= sent_on
        self._left |= {stream for key in told for stream in before.get(key, set())} - sent_on

    def _participant(self, element: ET.Element) -> None:
        key = identifier(element, "participant_id", "id")
        old = self.participants.get(key, Participant(key))
        aors = [identifier(e, "aor") for e in element.iter()]
        aor = next((one for one in [*aors, *child_texts(element, "aor")] if one), old.aor)
        name = next(iter(child_texts(element, "name")), old.name)
        calling = _calling(element, old.calling)
        self.participants[key] = Participant(key, aor[:_MOST_CHARACTERS], name[:_MOST_CHARACTERS], calling)
        if sends := child_texts(element, "send"):  # as early drafts have it
            self._sends.setdefault(key, set()).update(sends)

    def _extension(self, element: ET.Element) -> None:
        """Take what a maker's extension says of the participant that it names as its parent (drafts)."""
        old = self.participants.get(identifier(element, "parent"))
        if old is not None:
            calling = _calling(element, old.calling)
            self.participants[old.identifier] = dataclasses.replace(old, calling=calling)

    def _association(self, element: ET.Element) -> str:
        key = identifier(element, "participant_id", "participant")
        sends = set(child_texts(element, "send"))
        if child_texts(element, "disassociate-time"):
            self._sends[key] = self._sends.get(key, set()) - sends if sends else set()
        elif sends or child_texts(element, "recv"):
            self._sends[key] = sends
        return key

    def _remember(self, document: Document) -> None:
        """Note every element's text, also by the values of its attributes: ``header/X-UCID``."""
        seen: dict[str, str] = {}
        for element in document.everything():
            if len(seen) >= _MOST_ELEMENTS:
                break
            text = text_of(element)[:_MOST_CHARACTERS]
            name = local_name(element.tag).lower()
            for key in (name, *(f"{name}/{value.lower()}" for value in element.attrib.values())):
                if text:
                    seen.setdefault(key, text)
        self.elements.update(seen)


def _calling(element: ET.Element, known: bool | None) -> bool | None:  # noqa: FBT001 -- a value with three states
    """Whether it says who placed the call, as session border controllers do in an element of their own."""
    said = next(iter(child_texts(element, "callingparty")), "").lower()
    return {"true": True, "false": False}.get(said, known)
