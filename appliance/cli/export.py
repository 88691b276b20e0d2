"""``linetap export``: a recording as a file, fetched from a running box over port 2012."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from appliance.cli.access import headers, tls
from appliance.cli.options import AsJson, Host, Timeout

if TYPE_CHECKING:
    from http.client import HTTPResponse

_BLOCK_BYTES = 1 << 16


def export(  # noqa: PLR0917 - typer passes them by name
    field: Annotated[str, typer.Option(help="Column to look for, such as ident, callid or user2.")],
    value: Annotated[str, typer.Option(help="Its value; of several matches the newest is taken.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write.")],
    media_format: Annotated[str, typer.Option("--format", help="wav, mp3, m4a, vox; default: FILE's ending.")] = "",
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the WebAPI.")] = 2012,
    timeout_s: Timeout = 60,
    as_json: AsJson = False,
) -> None:
    """Fetch a recording from a running box.

    Exit code 1 if it has none that matches, 69 if it does not answer.
    """
    import contextlib
    import http.client
    import urllib.parse

    from appliance.errors import UnreachableError

    suffix = media_format or out.suffix.removeprefix(".")
    if not suffix:
        raise typer.BadParameter("needed where FILE has no ending", param_hint="--format")
    query = {"type": "export", "requestid": "1", "uniquefield": field, "uniqueid": value, "media_format": suffix}
    context = tls()
    connecting = (
        http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
        if context
        else http.client.HTTPConnection(host, port, timeout=timeout_s)
    )
    with contextlib.closing(connecting) as connection:
        try:
            connection.request("GET", f"/webAPI.aspx?{urllib.parse.urlencode(query)}", headers=headers())
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f"no box answers at {host}:{port}: {error}") from error
        with response:
            size = _save(response, out)
    facts = {"file": str(out), "format": suffix, "bytes": size}
    print(json.dumps(facts) if as_json else f"{out}: {size} bytes")


def _save(response: HTTPResponse, out: Path) -> int:
    """Write the audio beside its place and rename it, so that a broken transfer leaves nothing behind."""
    if response.headers.get_content_type() in {"text/xml", "application/xml"} or response.status != 200:
        _refuse(response)
    from appliance.errors import LinetapError

    part = out.with_name(out.name + ".part")
    try:
        with part.open("wb") as file:
            size = sum(file.write(block) for block in _blocks(response))
        part.replace(out)
    except OSError as error:
        raise LinetapError(f"{error.filename or out}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return size


def _blocks(response: HTTPResponse) -> Iterator[bytes]:
    """Give the body. Raises UnreachableError where it breaks off before its announced length."""
    import http.client

    from appliance.errors import UnreachableError

    try:
        while block := response.read(_BLOCK_BYTES):
            yield block
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(f"the box broke off: {error}") from error
    if response.length:
        raise UnreachableError(f"the box broke off {response.length} bytes too early")


def _refuse(response: HTTPResponse) -> None:
    """Say what the box said. Raises LinetapError."""
    from xml.etree import ElementTree as ET

    from appliance.client import Answer
    from appliance.errors import LinetapError

    body = response.read(_BLOCK_BYTES)
    if response.status != 200:
        raise LinetapError(f"HTTP {response.status} {response.reason}")
    answer = Answer(ET.fromstring(body))  # noqa: S314 - the box that we chose to ask
    raise LinetapError(f"{answer.label} ({answer.code}): {answer.message}")
