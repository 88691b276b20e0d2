"""The calls at a phone, from what its PBX tells of them (RFC 4235), read as far as it goes. Nothing here does I/O."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET
from typing import Final, final

from drivers.taps.sip._message import Message
from drivers.taps.sip.siprec import Document, child_texts, identifier, local_name

_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~()<>:\\/\[\]?{}@-]{1,256}")
_UP: Final = "confirmed"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class PhoneDialog:
    """A call that goes on at the phone, by the phone's own tags."""

    call_id: str
    local_tag: str
    remote_tag: str

    @property
    def join(self) -> str:
        """Value of the header Join: the receiver's own tag is its to-tag."""
        return f"{self.call_id};to-tag={self.local_tag};from-tag={self.remote_tag}"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class _Told:
    """One call as it was told last. What a later partial document leaves out of it stays."""

    state: str
    names: tuple[str, str, str]
    held: bool

    @property
    def dialog(self) -> PhoneDialog | None:
        return PhoneDialog(*self.names) if all(_TOKEN.fullmatch(name) for name in self.names) else None


@final
class PhoneCalls:
    """What was told so far.

    A document counts by its elements' local names, with whatever prefix, content type or faults it comes. A call's
    states but ``confirmed`` are no call to join, and one without Call-ID and both tags cannot be named in Join, as
    PBXs tell it that show no more than a busy lamp.
    """

    def __init__(self, user: str) -> None:
        self.known = False  # a document told all calls, and could be read to its end
        self.heard = False  # any told something
        self._user = user
        self._calls: dict[str, _Told] = {}
        self._version = -1
        self._fault = ""

    def take(self, notify: Message, body: str) -> None:
        """Take a notification with what it brought."""
        document = Document.read(body)
        roots = list(document.all("dialog-info"))
        if not roots:
            return
        root = roots[0]
        self.heard = True
        is_partial = root.get("state", "full").strip().lower() == "partial"
        if is_partial and self._is_old(root):
            return
        self._fault = "" if not document.fault else _fault(notify, body)
        if not is_partial:
            self._calls.clear()
            pending = notify.header("subscription-state").lower().startswith("pending")
            self.known = not (document.fault or pending)
        for number, element in enumerate(document.all("dialog")):
            self._note(element, number)

    def _is_old(self, root: ET.Element) -> bool:
        """Whether a partial document was overtaken; some PBXs do not count, and say 0 each time."""
        text = root.get("version", "").strip()
        version = int(text) if text.isascii() and text.isdigit() else 0
        old = 0 < version < self._version
        self._version = max(version, self._version)
        return old

    def _note(self, element: ET.Element, number: int) -> None:
        names = tuple(identifier(element, name) for name in ("call-id", "local-tag", "remote-tag"))
        key = identifier(element, "id") or names[0] or str(number)
        before = self._calls.get(key, _Told("", ("", "", ""), held=False))
        states = [state for child in element if local_name(child.tag).lower() == "state" for state in _texts(child)]
        self._calls[key] = _Told(
            states[0] if states else before.state,
            (names[0] or before.names[0], names[1] or before.names[1], names[2] or before.names[2]),
            held=_is_held(element),
        )

    @property
    def found(self) -> PhoneDialog | None:
        """The call to join: one that is up and can be named, rather than one on hold."""
        up = sorted((told for told in self._calls.values() if told.state == _UP), key=lambda told: told.held)
        return next((told.dialog for told in up if told.dialog is not None), None)

    @property
    def unnamed(self) -> bool:
        """Whether the phone is in a call that nobody can name."""
        return self.found is None and any(told.state == _UP for told in self._calls.values())

    @property
    def settled(self) -> bool:
        """Whether nothing that may still come would change what is to be done."""
        return self.found is not None or self.unnamed or self.known

    @property
    def reason(self) -> str:
        """Why there is no call to join."""
        if self.unnamed:
            return f"the PBX tells that {self._user} is in a call, but not which: Call-ID or tags are missing"
        if self._fault:
            return self._fault
        return f"{self._user} has no call to join"


def _texts(element: ET.Element) -> list[str]:
    return [text.lower() for text in child_texts(element, local_name(element.tag).lower())]


def _is_held(element: ET.Element) -> bool:
    """Whether the phone's own side does not sound: ``+sip.rendering`` is no (RFC 4235 chapter 4.1.6)."""
    local = (child for child in element if local_name(child.tag).lower() == "local")
    parameters = (e for side in local for e in side.iter() if local_name(e.tag).lower() == "param")
    told = {identifier(e, "pname").lower(): identifier(e, "pvalue").strip('"').lower() for e in parameters}
    return told.get("+sip.rendering") == "no"


def _fault(notify: Message, body: str) -> str:
    length = notify.header("content-length")
    read_bytes = len(body.encode()) + body.count("\n")  # at most: its line ends were made one octet
    if length.isascii() and length.isdigit() and int(length) > read_bytes:
        return f"what the PBX tells of its calls has {length} octets, more than can be read without a front"
    return "what the PBX tells of its calls cannot be read to its end"
