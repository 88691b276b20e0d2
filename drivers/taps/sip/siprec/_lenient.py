"""A document that is no XML, read for what can be told from it: unquoted attributes, bare ``&``, tags left open.

Goes through the text once, from its begin to its end, and raises nothing.
"""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from typing import Final

_TOKEN: Final = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z_][\w.:-]*)(?P<rest>(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)>|(?P<text>[^<]+)|<"
)
_ATTRIBUTE: Final = re.compile(r"([A-Za-z_][\w.:-]*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>]+))")
_CDATA: Final = "<![CDATA["


def read(text: str) -> ET.Element | None:
    """Give the root with everything in it by its local name; None where no tag is."""
    top = ET.Element("")
    open_elements = [top]
    for found in _TOKEN.finditer(text.replace(_CDATA, "").replace("]]>", "")):
        if found["text"]:
            _add_text(open_elements[-1], html.unescape(found["text"]))
        elif found["close"]:
            _close(open_elements, _local(found["name"]))
        elif found["name"]:
            element = ET.SubElement(open_elements[-1], _local(found["name"]), _attributes(found["rest"]))
            if not found["rest"].endswith("/"):
                open_elements.append(element)
    return next(iter(top), None)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _attributes(text: str) -> dict[str, str]:
    found = (match.groups("") for match in _ATTRIBUTE.finditer(text))
    return {_local(name): html.unescape(a or b or c) for name, a, b, c in found if not name.startswith("xmlns")}


def _add_text(element: ET.Element, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def _close(open_elements: list[ET.Element], name: str) -> None:
    """Close the innermost element of that name with all that was left open in it; none, and the tag is passed over."""
    for n in range(len(open_elements) - 1, 0, -1):
        if open_elements[n].tag == name:
            del open_elements[n:]
            return
