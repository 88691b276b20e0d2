"""One measured value, its limits, and what follows: the margin, and whether it passed."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, final

from hil.measure.kinds import KINDS, Kind


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a value may be, in its unit, the ends included; None where there is no end."""

    low: float | None = None
    high: float | None = None

    def margin(self, value: float) -> float:
        """Distance to the nearer end, negative outside; infinite without an end."""
        low = value - self.low if self.low is not None else math.inf
        high = self.high - value if self.high is not None else math.inf
        return min(low, high)

    def __str__(self) -> str:
        if self.low == self.high and self.low is not None:
            return f"{self.low:g}"
        if self.low is None or self.high is None:
            return f"≤ {self.high:g}" if self.high is not None else f"≥ {self.low:g}" if self.low is not None else "–"
        return f"{self.low:g} … {self.high:g}"


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """A measurement of a line. ``value`` is None where there was nothing to measure, and that fails.

    ``remark`` says what the number alone does not: where the worst value was, or why there is none.
    """

    name: str
    line: str
    value: float | None
    limits: Limits
    remark: str = ""

    def __post_init__(self) -> None:
        if self.name not in KINDS:
            raise ValueError(f"no measurement is called {self.name}")

    @property
    def kind(self) -> Kind:
        """What was measured, and in which unit."""
        return KINDS[self.name]

    @property
    def margin(self) -> float | None:
        """See :meth:`Limits.margin`; None without a value, or with one that is no number."""
        return self.limits.margin(self.value) if self.value is not None and not math.isnan(self.value) else None

    @property
    def passed(self) -> bool:
        """Whether the value is within its limits."""
        return self.margin is not None and self.margin >= 0

    def __str__(self) -> str:
        value = "nothing to measure" if self.value is None else f"{self.value:.4g} {self.kind.unit}".rstrip()
        verdict = "pass" if self.passed else "FAIL"
        remark = f" ({self.remark})" if self.remark else ""
        return f"{verdict}  {self.line}: {self.kind.title} {value}, limits {self.limits}{remark}"

    def facts(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        margin = self.margin
        return {
            "name": self.name,
            "line": self.line,
            "value": self.value,
            "unit": self.kind.unit,
            "low": self.limits.low,
            "high": self.limits.high,
            "margin": margin if margin is not None and math.isfinite(margin) else None,
            "passed": self.passed,
            "remark": self.remark,
        }
