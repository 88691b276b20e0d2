"""One metadata document as XML, read as far as it goes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any, Final, Self, cast, final

_DOCTYPE: Final = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_ELEMENT_PREFIX: Final = re.compile(r"(</?)[\w.-]+:(?=[\w.-])")
_NAMESPACE: Final = re.compile(r"\sxmlns(:[\w.-]+)?\s*=\s*(\"[^\"]*\"|'[^']*')")
_ATTRIBUTE_PREFIX: Final = re.compile(r"(\s)[\w.-]+:(?=[\w.-]+\s*=)")


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
        if fault:  # most often a prefix that was never declared
            plain, worse = _parse(_without_prefixes(text))
            if not worse:
                root, fault = plain, f"read without its prefixes: {fault}"
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
    """All text within the element, without the blanks round it."""
    return " ".join("".join(element.itertext()).split())


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


def _without_prefixes(text: str) -> str:
    return _ATTRIBUTE_PREFIX.sub(r"\1", _ELEMENT_PREFIX.sub(r"\1", _NAMESPACE.sub("", text)))
