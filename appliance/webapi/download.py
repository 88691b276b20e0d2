"""Send an attachment: whole, or the one range that was asked for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import final

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from appliance.messages.result import Attachment

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@final
class Download(StreamingResponse):
    """The octets of an attachment, closed whatever happens, also when the client goes away."""

    def __init__(self, attachment: Attachment, disposition: str, wanted: str) -> None:
        length_bytes = attachment.length_bytes
        headers = {"Content-Disposition": disposition, "Content-Type": attachment.media_type}
        begin, end, status_code = 0, length_bytes, 200
        if length_bytes is not None:
            headers["Accept-Ranges"] = "bytes"
            if (part := read_range(wanted, length_bytes)) is not None:
                begin, end = part
                status_code = 206
                headers["Content-Range"] = f"bytes {begin}-{end - 1}/{length_bytes}"
            headers["Content-Length"] = str((end or 0) - begin)
        self._chunks = attachment.chunks
        super().__init__(_cut(attachment.chunks, begin, end), status_code, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. A stream that was never begun is closed too."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if (close := getattr(self._chunks, "aclose", None)) is not None:
                await close()


def read_range(wanted: str, length_bytes: int) -> tuple[int, int] | None:
    """Give begin and end (exclusive) of a single satisfiable range (RFC 9110, 14.1.2), or None: send all of it."""
    found = _RANGE.fullmatch(wanted.replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        begin, end = max(0, length_bytes - int(found[2])), length_bytes
    else:
        begin = int(found[1])
        end = min(length_bytes, int(found[2]) + 1) if found[2] else length_bytes
    return (begin, end) if begin < end else None


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
