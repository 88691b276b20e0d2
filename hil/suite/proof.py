"""One run of the suite: what was measured, what was skipped, and the report of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import final

from hil.measure import Result
from hil.rigfile import Rig, features, uncalibrated
from hil.rigfile.wiring import limits
from hil.suite.captures import Captures
from hil.suite.errors import BenchError
from hil.suite.serials import Identity

Measured = tuple[float | None, str]
"""A value, and a remark."""


@final
@dataclasses.dataclass(slots=True)
class Proof:
    """A run. ``skipped`` are tests that the rig lacks something for, ``troubles`` those that failed without a value."""

    rig: Rig
    rig_file: Path
    captures: Captures
    operator: str
    began_at: dt.datetime
    identities: list[Identity]  # of the cards, then of the outputs
    ended_at: dt.datetime | None = None
    results: list[Result] = dataclasses.field(default_factory=list)
    skipped: dict[str, str] = dataclasses.field(default_factory=dict)
    troubles: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def features(self) -> frozenset[str]:
        """What tests may ask for."""
        shown = {"usb-serial-numbers"} if any(not one.fault for one in self.identities) else set()
        return features(self.rig, self.began_at.date()) | shown

    @property
    def uncalibrated(self) -> list[str]:
        """Why the rig is not calibrated; empty if it is."""
        told = uncalibrated(self.rig, self.began_at.date())
        return told if told or self.captures.bench.wires else ["the rig has no lines to calibrate"]

    @property
    def failed(self) -> list[Result]:
        """Measurements out of their limits."""
        return [result for result in self.results if not result.passed]

    @property
    def passed(self) -> bool:
        """Whether something was measured, and all of it is within its limits."""
        return bool(self.results) and not self.failed and not self.troubles

    @property
    def verdict(self) -> str:
        """The line that is signed."""
        if not self.results:
            return "NOTHING MEASURED"
        count = len(self.results)
        state = "calibrated" if not self.uncalibrated else "NOT CALIBRATED"
        if self.passed:
            return f"PASSED: {count} of {count} measurements within their limits; {state}"
        trouble = f", {len(self.troubles)} tests broke off" if self.troubles else ""
        return f"FAILED: {len(self.failed)} of {count} measurements out of their limits{trouble}; {state}"

    def measure(self, name: str, line: str, measure: Callable[[], Measured]) -> Result:
        """Measure, keep the result and give it; one for which there was nothing to measure has no value."""
        try:
            value, remark = measure()
        except (BenchError, ValueError) as error:
            value, remark = None, str(error)
        result = Result(name, line, value, limits(self.rig, name), remark)
        self.results.append(result)
        return result
