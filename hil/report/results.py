"""The tables of results: what failed, each measurement, every line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from hil.measure import KINDS, Kind, Result
from hil.report.text import (
    NOTHING,
    TABLE_END,
    bad_class,
    escape,
    limits,
    margin,
    minus,
    number,
    table_head,
    value,
)
from hil.rigfile.wiring import limits as limits_of
from hil.suite.proof import Proof

_WIDEST = 9  # measurements side by side


def failures(proof: Proof) -> Iterator[str]:
    """Give what is out of limits, line by line, and what broke off."""
    if proof.failed:
        yield "<h2>Out of limits</h2>"
        yield table_head("Line", "Measurement", "Value", "Limits", "Margin", "Remark", kind="failures")
        for results in _by_cause(proof):
            yield _failure(results)
        yield TABLE_END
    if proof.troubles:
        yield "<h2>Broken off</h2><ul>"
        yield from (f"<li>{escape(test)}: {escape(text)}</li>" for test, text in proof.troubles.items())
        yield "</ul>"


def _by_cause(proof: Proof) -> Iterator[list[Result]]:
    """Sort by line; all of a line for which there was nothing to measure, by the same reason, is one fault."""
    order = proof.captures.numbers
    found: dict[tuple[str, str], list[Result]] = {}
    for result in sorted(proof.failed, key=lambda one: order.get(one.line, len(order))):
        cause = result.name if result.value is not None else f"nothing: {result.remark}"
        found.setdefault((result.line, cause), []).append(result)
    yield from found.values()


def _failure(results: Sequence[Result]) -> str:
    first = results[0]
    titles = ", ".join(result.kind.title for result in results)
    numbers = [value(first), limits(first), margin(first)] if first.value is not None else [NOTHING, "–", "–"]
    cells = "".join(f'<td class="name">{escape(cell)}</td>' for cell in numbers)
    line = f'<td class="name">{escape(first.line)}</td>'
    return f'<tr class="bad">{line}<td>{escape(titles)}</td>{cells}<td>{escape(minus(first.remark))}</td></tr>'


def summary(proof: Proof) -> Iterator[str]:
    """Give each measurement once: its worst line."""
    found = [(kind, [one for one in proof.results if one.name == name]) for name, kind in KINDS.items()]
    if not proof.results:
        return
    yield "<h2>Measurements</h2>"
    yield table_head("Measurement", "Lines", "Worst value", "Line", "Limits", "Margin", "Verdict", kind="summary")
    for kind, results in found:
        if results:
            yield _measurement(kind, results)
    yield TABLE_END


def _measurement(kind: Kind, results: Sequence[Result]) -> str:
    worst = min(results, key=lambda result: result.margin if result.margin is not None else -math.inf)
    failed = sum(not result.passed for result in results)
    about = f"<td><b>{escape(kind.title)}</b> <small>{escape(kind.says)}</small></td>"
    cells = (str(len(results)), value(worst), worst.line, limits(worst), margin(worst))
    row = "".join(f'<td class="name">{escape(cell)}</td>' for cell in cells)
    verdict = f"{failed} fail" if failed else "pass"
    return f'<tr{bad_class(failed)}>{about}{row}<td class="{"fail" if failed else "pass"}">{verdict}</td></tr>'


def lines(proof: Proof) -> Iterator[str]:
    """Give a row for each line, a column for each measurement; then what else was measured."""
    wires = {wire.line for wire in proof.captures.bench.wires}
    by_line: dict[str, dict[str, Result]] = {}
    for result in proof.results:
        if result.line in wires:
            by_line.setdefault(result.line, {})[result.name] = result
    by_line = {wire.line: by_line[wire.line] for wire in proof.captures.bench.wires if wire.line in by_line}
    names = [name for name in KINDS if any(name in found for found in by_line.values())]
    if names:
        yield "<h2>Every line</h2>"
    count = -(-len(names) // _WIDEST)
    for part in range(count):
        some = names[part * len(names) // count : (part + 1) * len(names) // count]
        yield from _table_of_lines(proof, by_line, some, verdict=part == 0)
    yield from _others([result for result in proof.results if result.line not in wires])


def _table_of_lines(
    proof: Proof, by_line: dict[str, dict[str, Result]], names: Sequence[str], *, verdict: bool
) -> Iterator[str]:
    heads = [_column(proof, KINDS[name]) for name in names]
    yield table_head("Line", *(["Verdict"] if verdict else []), *heads, kind="lines first" if verdict else "lines")
    for line, found in by_line.items():
        failed = sum(not result.passed for result in found.values())
        told = f'<td class="fail">{failed} fail</td>' if failed else '<td class="pass">pass</td>'
        cells = "".join(_cell(found.get(name)) for name in names)
        yield f"<tr><th>{escape(line)}</th>{told if verdict else ''}{cells}</tr>"
    least = ("<td></td>" if verdict else "") + "".join(f"<td>{_least(by_line, name)}</td>" for name in names)
    yield f'<tr class="least"><th>least margin</th>{least}</tr>{TABLE_END}'


def _column(proof: Proof, kind: Kind) -> str:
    allowed = minus(str(limits_of(proof.rig, kind.name)))
    return f"{escape(kind.title)}<small>{escape(kind.unit) or '&nbsp;'}</small><small>{escape(allowed)}</small>"


def _cell(result: Result | None) -> str:
    if result is None:
        return "<td>–</td>"
    told = f"margin {margin(result)}" + (f"; {result.remark}" if result.remark else "")
    mark = "" if result.passed else " ✗"
    return f'<td{bad_class(not result.passed)} title="{escape(minus(told))}">{number(result)}{mark}</td>'


def _least(by_line: dict[str, dict[str, Result]], name: str) -> str:
    known = [found[name] for found in by_line.values() if name in found]
    if any(result.margin is None for result in known):
        return "none"
    return margin(min(known, key=lambda result: result.margin or 0.0), unit=False)


def _others(results: Sequence[Result]) -> Iterator[str]:
    """Give what was measured of ports and devices."""
    if not results:
        return
    yield "<h2>Ports and devices</h2>"
    yield table_head("Port or device", "Measurement", "Value", "Limits", "Margin", "Remark", "Verdict")
    for result in results:
        cells = (result.line, result.kind.title, value(result), limits(result), margin(result))
        row = "".join(f'<td class="name">{escape(cell)}</td>' for cell in cells)
        verdict = '<td class="pass">pass</td>' if result.passed else '<td class="fail">fail</td>'
        yield f"<tr{bad_class(not result.passed)}>{row}<td>{escape(minus(result.remark))}</td>{verdict}</tr>"
    yield TABLE_END
