"""One call of one device, as the core knows it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import final

from appliance.calls.blackout import Blackout
from appliance.calls.fields import CallFields


@final
@dataclasses.dataclass(slots=True, eq=False)
class Call:
    """A call from CALLSTART (or its arrival on a trunk) on; it stays listed after its end, until the next one.

    ``announced`` is False where a recording was ordered without a call: no client ever told of it.
    ``outcome`` says what became of it for the reconciliation of calls with recordings, ``reason`` why.
    """

    device_id: str
    call_instance: str
    fields: CallFields
    core_id: int
    global_call_id: str
    started_at: dt.datetime
    started_mono_s: float
    stopped_at: dt.datetime | None = None
    is_trunk: bool = False
    keep_days: int = -1
    archive_action: int = -1
    outcome: str = ""
    reason: str = ""
    filename: str = ""
    record_id: int | None = None
    is_recording: bool = False
    announced: bool = True
    blackouts: list[Blackout] = dataclasses.field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether the call still goes on."""
        return self.stopped_at is None
