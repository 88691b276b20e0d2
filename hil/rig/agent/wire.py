"""The lines between host and machine: JSON objects, each ended by a line feed.

The host asks ``{"id": 7, "do": "run", …}``. The machine answers with any number of ``{"id": 7, "out": …}`` or
``{"id": 7, "err": …}`` (pieces of a command's output) and at last ``{"id": 7, "done": {…}}`` or
``{"id": 7, "failed": "why"}``. Bytes travel as base64. Answers to different questions may be mixed.
"""

from __future__ import annotations

import base64
import json
from typing import Any, final

PIECE_BYTES = 192 << 10  # of a file or an output in one line; a multiple of 3, so that base64 needs no filler within


def encode(message: dict[str, Any]) -> bytes:
    """Write one message as a line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def pack(data: bytes) -> str:
    """Bytes as they stand in a message."""
    return base64.b64encode(data).decode()


def unpack(text: str) -> bytes:
    """Bytes out of a message. Raises ValueError."""
    return base64.b64decode(text, validate=True)


@final
class Lines:
    """Cuts a stream of bytes into messages, however it is broken up."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Take bytes; give the messages that became whole. Raises ValueError for a line that is no JSON object."""
        *whole, rest = data.split(b"\n")
        if not whole:
            self._rest.append(rest)
            return []
        whole[0] = b"".join([*self._rest, whole[0]])
        self._rest = [rest]
        return [_decode(line) for line in whole if line.strip()]


def _decode(line: bytes) -> dict[str, Any]:
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError(f"a message is an object, not {type(message).__name__}")  # noqa: TRY004 -- wrong bytes
    return message
