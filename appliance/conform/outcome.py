"""What came of a case."""

from __future__ import annotations

import dataclasses
from typing import Literal, final

from appliance.conform.case import Case, Over

Verdict = Literal["passed", "differed", "skipped"]


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """One case played over one transport. ``left`` tells what stays on the box."""

    case: Case
    over: Over
    verdict: Verdict
    at: str = ""
    """The step that differed, as ``step 2: <what was sent>``."""
    told: str = ""
    """What differed, or why it was skipped."""
    left: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """Group, case and transport."""
        return f"{self.case.group}/{self.case.name} over {self.over.upper()}"
