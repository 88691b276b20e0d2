"""One metadata document as XML, read as far as it goes."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any, Final, Self, cast, final

from drivers.taps.sip.siprec._lenient import read as read_leniently

_DOCTYPE: Final = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_DEEPEST: Final = 64
_MOST_ELEMENTS: Final = 64  # that a text is gathered from


@final
class Document:
    """Elements by their local names: prefixes and namespaces differ between makes and drafts."""

    def __init__(self, root: ET.Element | None, fault: str) -> None:
        self._root = root
        self.fault = fault

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a document; :attr:`fault` says what is wrong with it, empty where nothing is."""
        text = text[max(0, text.find("<")) :]
        if _DOCTYPE.search(text):
            return cls(None, "has a DOCTYPE, which is not read")
        root, fault = _parse(text)
        if fault:  # most often a prefix that was never declared, or a document that was cut
            plain = read_leniently(text)
            if _size(plain) > _size(root):
                root = plain
        if _is_deep(root):
            return cls(None, "is nested too deep, which is not read")
        return cls(root, fault)

    @property
    def partial(self) -> bool:
        """Whether it tells changes only."""
        mode = next((text_of(e) for e in self.all("datamode")), "complete")
        return mode.lower() == "partial"

    def all(self, name: str) -> Iterator[ET.Element]:
        """Elements of that local name, in any letter case, in their order."""
        wanted = name.lower()
        return (e for e in self.everything() if local_name(e.tag).lower() == wanted)

    def everything(self) -> Iterator[ET.Element]:
        """Every element."""
        return iter(()) if self._root is None else self._root.iter()


def local_name(tag: str) -> str:
    """Name without its namespace."""
    return tag.rpartition("}")[2]


def text_of(element: ET.Element) -> str:
    """Text within the element and the first few below it, without the blanks round it."""
    found = itertools.islice(element.iter(), _MOST_ELEMENTS)
    texts = ((e.text or "", "" if e is element else e.tail or "") for e in found)
    return " ".join("".join(itertools.chain.from_iterable(texts)).split())


def child_texts(element: ET.Element, name: str) -> list[str]:
    """Texts of the elements of that local name below this one that are not empty."""
    found = (text_of(e) for e in element.iter() if local_name(e.tag).lower() == name)
    return [text for text in found if text]


def identifier(element: ET.Element, *names: str) -> str:
    """First of the attributes of these local names that is there; drafts call ``stream_id`` plainly ``id``."""
    attributes = {local_name(name).lower(): value.strip() for name, value in element.attrib.items()}
    return next((attributes[name] for name in names if attributes.get(name)), "")


def _parse(text: str) -> tuple[ET.Element | None, str]:
    """Give the root with all that came before a fault, and the fault."""
    parser: ET.XMLPullParser[Any] = ET.XMLPullParser(events=("start",))
    root: ET.Element | None = None
    fault = ""
    try:
        parser.feed(text)
        for _, element in cast("Iterator[tuple[str, ET.Element]]", parser.read_events()):
            root = element if root is None else root
        parser.close()
    except ET.ParseError as error:
        fault = str(error)
    return root, fault or ("" if root is not None else "is empty")


def _size(root: ET.Element | None) -> int:
    return 0 if root is None else sum(1 for _ in root.iter())


def _is_deep(root: ET.Element | None) -> bool:
    """Whether elements are nested so deep that a look below each of them would take long."""
    level = [] if root is None else [root]
    for _ in range(_DEEPEST):
        level = [child for element in level for child in element]
    return bool(level)
