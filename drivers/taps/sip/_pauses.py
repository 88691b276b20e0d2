"""When the legs of one capture session were paused, and by what: a fact for the recording's proof."""

from __future__ import annotations

import dataclasses
from typing import Any, Final, final

HELD: Final = "hold"  # the stream is inactive or gone in the SDP
METADATA: Final = "metadata"  # whoever sends on it is said to send no more

_MOST: Final = 200


@final
@dataclasses.dataclass(slots=True)
class Pause:
    """A stretch of silence that the far side ordered, in seconds by CLOCK_MONOTONIC; one that lasts has no end yet."""

    leg: int
    by: str
    from_mono_s: float
    until_mono_s: float | None = None


@final
class Pauses:
    """The latest pauses of a session, in their order."""

    def __init__(self) -> None:
        self._pauses: list[Pause] = []

    def begin(self, leg: int, by: str, now_s: float) -> bool:
        """Note that a leg is paused from now on; False where it is already."""
        if any(pause.leg == leg and pause.until_mono_s is None for pause in self._pauses):
            return False
        self._pauses = [*self._pauses[1 - _MOST :], Pause(leg, by, now_s)]
        return True

    def end(self, leg: int, now_s: float) -> bool:
        """Note that the leg goes on; False where it was not paused."""
        for pause in self._pauses:
            if pause.leg == leg and pause.until_mono_s is None:
                pause.until_mono_s = now_s
                return True
        return False

    def facts(self) -> dict[str, Any]:
        """All of them."""
        return {"pauses": [dataclasses.asdict(pause) for pause in self._pauses]}
