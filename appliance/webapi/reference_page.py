"""The reference of the WebAPI as one page for people: every message, its parameters and answers, and a way to try it.

It needs nothing from outside the box: text, one style sheet and one script of ours, and no other page may put anything
into it (Content-Security-Policy).
"""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Iterator
from pathlib import Path

from appliance.errors import ResultCode
from appliance.messages.parameter import Choice, Flag, Parameter
from appliance.messages.request import Request
from appliance.webapi.openapi import PAGE, named, web_types, words_of

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_FOLDER = Path(__file__).parent / "pages"
FILES = {"reference.css": "text/css", "reference.js": "text/javascript"}
"""The page's own files, and their types."""
_CODES = re.compile(r"API_[A-Z_]+")
_CODE_MARK = re.compile(r"`([^`]+)`")


@functools.cache
def file(name: str) -> bytes:
    """Give one of :data:`FILES`."""
    return (_FOLDER / name).read_bytes()


@functools.cache
def page() -> str:
    """Give the page."""
    kinds = web_types()
    index = "".join(f'<li><a href="#{kind.wire_name()}">{kind.wire_name()}</a></li>' for kind in kinds)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Linetap WebAPI</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="reference.css"><script src="reference.js" defer></script></head><body>'
        f"<header><h1>Linetap WebAPI</h1><p>Every message of <code>{PAGE}</code>, by query or form. "
        'For programs: <a href="openapi.json">openapi.json</a>.</p></header>'
        f"<nav><ul>{index}</ul></nav><main>{''.join(map(_chapter, kinds))}{_codes()}</main></body></html>"
    )


def _chapter(kind: type[Request]) -> str:
    name = kind.wire_name()
    also = f"<p>Also: {html.escape(', '.join(kind.synonyms))}.</p>" if kind.synonyms else ""
    at_least = f"<p>At least one of {', '.join(_keys(kind))} is required.</p>" if kind.keys else ""
    answers = "".join(f"<li>{_marked(_CODES.sub(_with_number, line, count=1))}</li>" for line in kind.returns)
    return (
        f'<section id="{name}"><h2>{name}</h2>{_text(words_of(kind))}{also}{at_least}'
        f'<form action="{PAGE}" method="post" data-type="{name}"><table><thead><tr><th>parameter</th><th>value</th>'
        f"<th>fault</th><th>meaning</th></tr></thead><tbody>{''.join(_rows(kind))}</tbody></table>"
        f'<p><button type="submit">Send {name}</button></p><output hidden></output></form>'
        f"<h3>Answers</h3><ul>{answers}</ul></section>"
    )


def _rows(kind: type[Request]) -> Iterator[str]:
    sample = kind.samples[0] if kind.samples else {}
    needed = " required" if kind.request_id_required else ""
    yield (
        f'<tr><th scope="row">REQUESTID</th><td><input name="requestid" aria-label="REQUESTID" value="1"{needed}></td>'
        f"<td>{ResultCode.API_REQUESTID_INVALID.value}</td><td>echoed</td></tr>"
    )
    for name, _, parameter in named(kind):
        also = f"<br><small>{', '.join(parameter.synonyms)}</small>" if parameter.synonyms else ""
        fault = str(int(parameter.fault.code)) if parameter.can_fail else ""
        meaning = f"{_marked(parameter.text)}<br><small>{_marked(parameter.limits)}</small>"
        field = _field(name, parameter, sample.get(name, ""))
        yield f'<tr><th scope="row">{name}{also}</th><td>{field}</td><td>{fault}</td><td>{meaning}</td></tr>'


def _field(name: str, parameter: Parameter, sample: str) -> str:
    needed = " required" if parameter.required else ""
    common = f'name="{name.lower()}" aria-label="{name}"{needed}'
    words = ("Y", "N") if isinstance(parameter, Flag) else parameter.words if isinstance(parameter, Choice) else ()
    if words:
        options = "".join(f"<option{' selected' if word == sample.upper() else ''}>{word}</option>" for word in words)
        return f"<select {common}><option></option>{options}</select>"
    return f'<input {common} placeholder="{html.escape(sample)}">'


def _keys(kind: type[Request]) -> list[str]:
    return [name for name, field, _ in named(kind) if field in kind.keys]


def _with_number(found: re.Match[str]) -> str:
    code = ResultCode.__members__.get(found[0])
    return f"{code.value} {found[0]}" if code is not None else found[0]


def _text(words: str) -> str:
    paragraphs = re.split(r"\n\s*\n", words)
    return "".join(
        f"<ul>{_items(one)}</ul>" if one.startswith("- ") else f"<p>{_marked(one)}</p>" for one in paragraphs
    )


def _items(words: str) -> str:
    return "".join(f"<li>{_marked(item)}</li>" for item in re.split(r"(?:^|\n)- ", words) if item)


def _marked(words: str) -> str:
    return _CODE_MARK.sub(r"<code>\1</code>", html.escape(words))


def _codes() -> str:
    rows = "".join(f"<tr><td>{code.value}</td><td>{code.label}</td></tr>" for code in ResultCode)
    head = "<thead><tr><th>RESULTCODE</th><th>RESULTTYPE</th></tr></thead>"
    return f'<section id="codes"><h2>Result codes</h2><table>{head}<tbody>{rows}</tbody></table></section>'
