"""What the parts of a run cost, for the line at its end."""

from __future__ import annotations

import contextlib
import dataclasses
import resource
import time
from collections.abc import Iterator
from typing import final


@final
@dataclasses.dataclass(slots=True)
class Costs:
    """Seconds by what they were spent on, in the order in which each came first, and how often."""

    spent_s: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    machine_s: dict[str, float] = dataclasses.field(default_factory=dict)

    @contextlib.contextmanager
    def measure(self, what: str) -> Iterator[None]:
        """Measure what is done inside, also where it fails."""
        begin_s = time.monotonic()
        try:
            yield
        finally:
            self.spent_s.setdefault(what, []).append(time.monotonic() - begin_s)

    def passed_inside(self, what: str, seconds: float) -> None:
        """Note how long something took by the machine's own clock."""
        self.machine_s[what] = self.machine_s.get(what, 0.0) + seconds

    def table(self) -> str:
        """One line for each, their sum, and what of it was a processor's time: that does not depend on the load."""
        rows = [self._row(what, times) for what, times in self.spent_s.items()]
        total_s = sum(sum(times) for times in self.spent_s.values())
        rows += [f"{'in all':32}{total_s:8.1f} s", f"{'of a processor':32}{_processor_s():8.1f} s"]
        return "\n".join(rows)

    def _row(self, what: str, times: list[float]) -> str:
        often = f"  {len(times)} times" if len(times) > 1 else ""
        inside = f"  {self.machine_s[what]:.1f} s by the machine's clock" if what in self.machine_s else ""
        return f"{what:32}{sum(times):8.1f} s{often}{inside}"


def _processor_s() -> float:
    """Time of a processor that this process and all that it ran to the end have used: machines and steps of a build."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
