"""The data of a call, as clients name it: what CALLSTART tells and CALLUPDATE changes."""

from __future__ import annotations

from typing import Any, Self, final

import pydantic

USER_FIELDS: tuple[str, ...] = tuple(f"user{n}" for n in range(1, 16))


@final
class CallFields(pydantic.BaseModel):
    """Descriptive fields of a call. Every one is text, empty when nothing is known, unless it says otherwise.

    ``keep_days`` and ``archive_action`` are -1 while nobody set them; ``priority`` is 0 to 100 or None;
    ``max_record_time_s`` and ``max_record_silence_s`` are seconds or None. ``call_direction`` is I, O or ?.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    device_alias: str = ""
    sys_user: str = ""
    crm_user: str = ""
    station: str = ""
    group: str = ""
    gate: str = ""
    ani: str = ""
    dnis: str = ""
    user1: str = ""
    user2: str = ""
    user3: str = ""
    user4: str = ""
    user5: str = ""
    user6: str = ""
    user7: str = ""
    user8: str = ""
    user9: str = ""
    user10: str = ""
    user11: str = ""
    user12: str = ""
    user13: str = ""
    user14: str = ""
    user15: str = ""
    call_id: str = ""
    call_direction: str = "I"
    agent_id: str = ""
    session_id: str = ""
    keep_days: int = -1
    archive_action: int = -1
    priority: int | None = None
    max_record_time_s: int | None = None
    max_record_silence_s: int | None = None
    agent_initiated: bool = False
    cti_initiated: bool = False
    dial_to_monitor: str = ""
    override_disk_location: str = ""

    def changed(self, changes: dict[str, Any]) -> Self:
        """Give a copy with the named fields changed. Raises KeyError for a name that is no field."""
        for name in changes:
            if name not in type(self).model_fields:
                raise KeyError(name)
        return self.model_copy(update=changes)


TOLD_BY_LINES: frozenset[str] = frozenset(
    name for name, field in CallFields.model_fields.items() if field.annotation is str
) - {"override_disk_location"}
"""What a line may tell of its call: text that describes it."""
