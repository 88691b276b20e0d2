"""TYPE and REQUESTID: what is read of every request before anything else, and echoed in every result."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, Self, final

from appliance.errors import RequestIdInvalidError
from appliance.messages.parameter import INT32_MAX

_INTEGER = re.compile(r"[+-]?[0-9]{1,64}")


@final
class Envelope(NamedTuple):
    """``request_type`` in upper case; ``request_id`` as sent, "0" when absent or no integer."""

    request_type: str
    request_id: str
    sent_id: str

    @classmethod
    def read(cls, values: Mapping[str, str]) -> Self:
        """Read both; never raises, so that a refusal can echo them."""
        sent = values.get("REQUESTID", "")
        return cls(values.get("TYPE", "").upper(), sent if _INTEGER.fullmatch(sent) else "0", sent)

    def judge_id(self, *, required: bool) -> None:
        """Raise RequestIdInvalidError for one that is missing though required, no integer, or out of range."""
        if not self.sent_id:
            if required:
                raise RequestIdInvalidError
        elif not _INTEGER.fullmatch(self.sent_id) or not 0 <= int(self.sent_id) <= INT32_MAX:
            raise RequestIdInvalidError


UNREADABLE = Envelope("", "0", "")
"""Of bytes that are no message."""
