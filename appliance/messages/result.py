"""What a message answers: the envelope, an ordered body of nested elements, and sometimes a file."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any, final

from appliance.errors import ResultCode

Body = tuple[tuple[str, Any], ...]
"""Elements in their order: a name with its text, or a name with a further Body."""


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Attachment:
    """Octets that stand in place of the result document (WebAPI only). ``length_bytes`` is None while unknown.

    ``version`` is the same for the same octets alone, so that a client may fetch them in parts; blank if unknown.
    """

    chunks: AsyncIterator[bytes]
    length_bytes: int | None
    media_type: str
    filename: str
    version: str = ""


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """One result: RESULT{REQUESTTYPE, REQUESTID, RESULTTYPE, RESULTCODE, RESULTMSG, body}."""

    request_type: str
    request_id: str  # as the client sent it, "0" when it sent none that can be read
    result_type: str = ResultCode.API_OK.label
    code: int = ResultCode.API_OK.value
    message: str = ResultCode.API_OK.label
    body: Body = ()
    attachment: Attachment | None = None
