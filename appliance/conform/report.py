"""What came of all cases: for people, as plain values, and as JUnit XML."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final
from xml.etree import ElementTree as ET

from appliance.conform.outcome import Outcome


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of one run at one box."""

    host: str
    outcomes: tuple[Outcome, ...]

    @property
    def good(self) -> bool:
        """Whether something was played and nothing differed."""
        return bool(self.outcomes) and not self.count("differed")

    def count(self, verdict: str) -> int:
        """Cases that came to that."""
        return sum(outcome.verdict == verdict for outcome in self.outcomes)

    def left(self) -> list[str]:
        """What stays on the box, each with the case that left it."""
        return [f"{outcome.name}: {what}" for outcome in self.outcomes for what in outcome.left]

    def lines(self) -> Iterator[str]:
        """The summary."""
        yield f"{self.count('passed')} passed, {self.count('differed')} differed, {self.count('skipped')} skipped"
        if left := self.left():
            yield "left on the box:"
            yield from (f"  {line}" for line in left)

    def facts(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "host": self.host,
            "good": self.good,
            **{verdict: self.count(verdict) for verdict in ("passed", "differed", "skipped")},
            "left": self.left(),
            "cases": [
                {
                    "group": outcome.case.group,
                    "name": outcome.case.name,
                    "over": outcome.over,
                    "verdict": outcome.verdict,
                    "at": outcome.at,
                    "told": outcome.told,
                    "seconds": round(outcome.seconds, 3),
                }
                for outcome in self.outcomes
            ],
        }

    def write_junit(self, path: Path) -> None:
        """Write JUnit XML: a suite for each group and transport. Raises OSError."""
        groups: dict[tuple[str, str], list[Outcome]] = collections.defaultdict(list)
        for outcome in self.outcomes:
            groups[outcome.case.group, outcome.over].append(outcome)
        root = ET.Element("testsuites", name="linetap conform", hostname=self.host)
        for (group, over), outcomes in groups.items():
            root.append(_suite(f"{group} over {over.upper()}", outcomes))
        _count(root, list(self.outcomes))
        ET.indent(root)
        ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def line_of(outcome: Outcome) -> str:
    """One case as a line, and what differed below it."""
    line = f"{outcome.verdict:8}  {outcome.name}: {outcome.case.says}"
    if outcome.verdict == "passed":
        return line
    return "\n".join([line, f"    {outcome.at}", *(f"    {told}" for told in outcome.told.splitlines())])


def _suite(name: str, outcomes: list[Outcome]) -> ET.Element:
    suite = ET.Element("testsuite", name=name)
    _count(suite, outcomes)
    for outcome in outcomes:
        case = ET.SubElement(suite, "testcase", classname=name, name=outcome.case.name, time=f"{outcome.seconds:.3f}")
        if outcome.verdict == "differed":
            ET.SubElement(case, "failure", message=_printable(outcome.at)).text = _printable(outcome.told)
        elif outcome.verdict == "skipped":
            ET.SubElement(case, "skipped", message=_printable(outcome.told))
        if outcome.left:
            ET.SubElement(case, "system-out").text = _printable("\n".join(outcome.left))
    return suite


def _count(element: ET.Element, outcomes: list[Outcome]) -> None:
    element.set("tests", str(len(outcomes)))
    element.set("failures", str(sum(outcome.verdict == "differed" for outcome in outcomes)))
    element.set("skipped", str(sum(outcome.verdict == "skipped" for outcome in outcomes)))
    element.set("time", f"{sum(outcome.seconds for outcome in outcomes):.3f}")


def _printable(text: str) -> str:
    """Write out what XML cannot hold."""
    return "".join(one if one.isprintable() or one in "\n\t" else ascii(one)[1:-1] for one in text)
