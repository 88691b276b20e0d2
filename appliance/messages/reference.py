"""Write the reference of messages from their declarations.

``python -m appliance.messages.reference > docs/messages.md`` writes it. With ``--check [FILE]`` nothing is written; the
exit code is 1 when the file (docs/messages.md) is stale.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from appliance.errors import ResultCode
from appliance.messages.catalog import catalog
from appliance.messages.dispatch import dispatch
from appliance.messages.origin import Asked, Origin, Port, Subscribed
from appliance.messages.parameter import Parameter
from appliance.messages.printing import print_document, print_result
from appliance.messages.reference_events import event_chapter
from appliance.messages.reference_ground import closing_chapters, ground_chapters
from appliance.messages.request import Request
from appliance.messages.samples import sample_services

_HEAD = """\
# Messages

Generated from the declarations in `appliance/messages/types/`; do not edit. `make check` fails when it is stale.

This page is enough to write a client from: first how to talk to the box, then every message with its parameters,
answers and samples, then the events, the elements and the codes. Where a choice had to be made that no source makes,
[interpretations.md](interpretations.md) tells it; a message marked *reconstructed* is Linetap's own reading of one that
no source shows whole, or Linetap's own.
"""
_CODES = re.compile(r"API_[A-Z_]+")
_PORTS = {Port.COMMANDS: "5620", Port.EVENTS: "5621", Port.WEB: "2012"}


class NoEvents:
    """Feed that takes every subscription and sends nothing."""

    def subscribe(self, asked: Asked) -> Subscribed:
        """Take it."""
        return Subscribed(asked.xref or "0", 1204)

    def unsubscribe(self, xref: str) -> None:
        """Take it."""

    @property
    def subscribed(self) -> bool:
        """Nothing is."""
        return False

    def close(self) -> None:
        """Nothing to end."""


def reference() -> str:
    """Give the whole text."""
    kinds = list(dict.fromkeys(catalog().values()))
    return "\n".join(
        (
            _HEAD,
            *ground_chapters(),
            *_index(kinds),
            *(line for kind in kinds for line in _chapter(kind)),
            *event_chapter(),
            *closing_chapters(),
        )
    )


def _index(kinds: list[type[Request]]) -> Iterator[str]:
    yield "## Messages\n"
    for kind in kinds:
        mark = " (reconstructed)" if kind.reconstructed else ""
        yield f"- [{kind.wire_name()}](#{kind.wire_name().lower()}){mark}"
    others = ("Event documents", "Elements of answers and events", "Result codes")
    yield "\nBehind them: " + ", ".join(f"[{one.lower()}](#{one.lower().replace(' ', '-')})" for one in others) + ".\n"


def _chapter(kind: type[Request]) -> Iterator[str]:
    ports = ", ".join(text for port, text in _PORTS.items() if port in kind.ports)
    required = "required" if kind.request_id_required else "0 where it is missing"
    yield f"## {kind.wire_name()}\n\n{inspect.cleandoc(kind.__doc__ or '').replace('``', '`')}\n"
    if kind.reconstructed:
        yield f"*Reconstructed*: {kind.reconstructed}.\n"
    yield f"Ports: {ports}. REQUESTID: {required}." + (f" Also: {', '.join(kind.synonyms)}." if kind.synonyms else "")
    yield ""
    if kind.parameters:
        yield "| parameter | also | value | fault | meaning |\n|---|---|---|---|---|"
        yield from (_row(kind, field, parameter) for field, parameter in kind.parameters.items())
        yield ""
    if kind.keys:
        yield "\\* at least one of these is required.\n"
    yield "Answers:\n"
    yield from (f"- {_CODES.sub(_with_number, line, count=1)}" for line in kind.returns)
    for sample in kind.samples:
        yield from _exchange(kind, sample)
    yield ""


def _row(kind: type[Request], field: str, parameter: Parameter) -> str:
    mark = " \\*" if field in kind.keys else " (required)" if parameter.required else ""
    synonyms = ", ".join(parameter.synonyms)
    fault = parameter.fault.code if parameter.can_fail else ""
    return f"| {parameter.name or field.upper()}{mark} | {synonyms} | {parameter.limits} | {fault} | {parameter.text} |"


def _with_number(found: re.Match[str]) -> str:
    code = ResultCode.__members__.get(found[0])
    return f"{code.value} {found[0]}" if code is not None else found[0]


def _exchange(kind: type[Request], sample: dict[str, str]) -> Iterator[str]:
    values = {"TYPE": kind.wire_name(), **sample}
    by_xml = Port.COMMANDS in kind.ports
    request = _lines(print_document("REQUEST", tuple(values.items()))) if by_xml else _url(values)
    origin = Origin(Port.COMMANDS if by_xml else Port.WEB, "", NoEvents())
    result = asyncio.run(dispatch(values, sample_services(), origin))
    yield f"\n```xml\n{request}\n"
    if result.attachment is not None:
        yield f"200 OK, {result.attachment.media_type}: the octets of {result.attachment.filename}\n```"
    else:
        yield f"{_lines(print_result(result))}\n```"


def _url(values: dict[str, str]) -> str:
    return "GET /webAPI.aspx?" + urlencode({name.lower(): value for name, value in values.items()})


def _lines(document: bytes) -> str:
    return document.decode("ascii").strip().replace("\r\n", "\n")


def main(arguments: list[str]) -> int:
    """Print the reference, or check the file."""
    os.environ["TZ"] = "UTC"  # samples show local times
    time.tzset()
    text = reference().rstrip("\n") + "\n"
    if arguments[:1] != ["--check"]:
        sys.stdout.write(text)
        return 0
    file = Path(arguments[1] if len(arguments) > 1 else "docs/messages.md")
    if file.exists() and file.read_text() == text:
        return 0
    sys.stderr.write(f"{file} is stale: python -m appliance.messages.reference > {file}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
