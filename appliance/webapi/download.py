"""Send an attachment: whole, or the one range that was asked for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from appliance.messages.result import Attachment

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)


class RangeUnsatisfiableError(Exception):
    """Nothing of the octets lies in the range."""


@final
class Download(StreamingResponse):
    """The octets of an attachment, closed whatever happens, also when the client goes away."""

    def __init__(self, attachment: Attachment, request: Request) -> None:
        headers = {"Content-Disposition": _disposition(attachment.filename), "Content-Type": attachment.media_type}
        if attachment.version:
            headers["ETag"] = f'"{attachment.version}"'
        begin, end, status_code = 0, attachment.length_bytes, 200
        if attachment.length_bytes is not None:
            headers["Accept-Ranges"] = "bytes"
            begin, end, status_code = _part(attachment, attachment.length_bytes, request)
            length = attachment.length_bytes
            if status_code != 200:
                headers["Content-Range"] = f"bytes {f'{begin}-{end - 1}' if end else '*'}/{length}"
            headers["Content-Length"] = str(end - begin)
        self._chunks = attachment.chunks
        wanted = request.method != "HEAD" and status_code != 416
        super().__init__(_cut(attachment.chunks, begin, end) if wanted else _nothing(), status_code, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. A stream that was never begun is closed too."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if (close := getattr(self._chunks, "aclose", None)) is not None:
                await close()


def read_range(wanted: str, length_bytes: int) -> tuple[int, int] | None:
    """Give begin and end (exclusive) of a single range (RFC 9110, 14.1.2), or None for all of it: no range, or several.

    Raises RangeUnsatisfiableError.
    """
    found = _RANGE.fullmatch(wanted.replace(" ", ""))
    if found is None or not (found[1] or found[2]) or (found[1] and found[2] and int(found[1]) > int(found[2])):
        return None
    if not found[1]:
        begin, end = max(0, length_bytes - int(found[2])), length_bytes
    else:
        begin = int(found[1])
        end = min(length_bytes, int(found[2]) + 1) if found[2] else length_bytes
    if begin >= end:
        raise RangeUnsatisfiableError
    return begin, end


def _part(attachment: Attachment, length_bytes: int, request: Request) -> tuple[int, int, int]:
    """Give begin, end and HTTP status of what the request asks for. A part is given to GET alone (RFC 9110, 14.2)."""
    condition = request.headers.get("if-range", "")
    if request.method != "GET" or (condition and condition != f'"{attachment.version}"'):
        return 0, length_bytes, 200
    try:
        part = read_range(request.headers.get("range", ""), length_bytes)
    except RangeUnsatisfiableError:
        return 0, 0, 416
    return (*part, 206) if part else (0, length_bytes, 200)


def _disposition(filename: str) -> str:
    plain = filename.encode("ascii", "replace").decode().replace('"', "'").replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


async def _nothing() -> AsyncIterator[bytes]:
    octets: tuple[bytes, ...] = ()
    for chunk in octets:
        yield chunk


async def _cut(chunks: AsyncIterator[bytes], begin: int, end: int | None) -> AsyncIterator[bytes]:
    """Give octets ``begin`` to ``end`` of the stream."""
    at = 0
    async for chunk in chunks:
        piece = chunk[max(0, begin - at) : None if end is None else max(0, end - at)]
        at += len(chunk)
        if piece:
            yield piece
        await asyncio.sleep(0)  # a source that is never slow must not keep the loop from seeing the client go
        if end is not None and at >= end:
            return
