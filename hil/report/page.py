"""The page that a technician reads, prints and signs."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hil.measure import KINDS, Result
from hil.report.plots import plots
from hil.report.style import STYLE
from hil.rigfile.wiring import limits
from hil.suite.proof import Proof


def page(proof: Proof, told: Mapping[str, Any]) -> str:
    """Give the whole page; ``told`` are the facts of the run."""
    title = f"Rig report: {proof.rig.station.name}, {proof.began_at:%Y-%m-%d %H:%M}"
    body = "".join(_parts(proof, told))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{_e(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>{body}</body></html>\n'
    )


def _parts(proof: Proof, told: Mapping[str, Any]) -> Iterator[str]:
    yield from _head(proof, told)
    yield from _signature(proof)
    if proof.failed or proof.troubles:
        yield from _failures(proof)
    yield from _summary(proof)
    yield "<h2>Every line</h2>"
    yield from _lines(proof)
    for title, says, svg in plots(proof):
        yield f"<figure><figcaption><b>{_e(title)}</b> {_e(says)}</figcaption>{svg}</figure>"
    yield from _devices(told)
    yield from _skipped(proof)


def _head(proof: Proof, told: Mapping[str, Any]) -> Iterator[str]:
    good = "good" if proof.passed and not proof.uncalibrated else "doubt" if proof.passed else "bad"
    station = proof.rig.station
    ended = f" to {proof.ended_at:%H:%M}" if proof.ended_at else ""
    yield f'<header><h1>Rig report</h1><p class="where">{_e(station.name)}</p></header>'
    yield f'<p class="verdict {good}">{_e(proof.verdict)}</p>'
    rows = {
        "Date": f"{proof.began_at:%Y-%m-%d %H:%M}{ended} ({proof.began_at.tzname()})",
        "Box": f"serial number {station.serial}" if station.serial else "no serial number given",
        "Site": station.site or "–",
        "Software": f"{told['software']}; {told['system']}",
        "Rig file": proof.rig_file.name,
        "Test signal": f"1020 Hz at {proof.rig.run.level_dbfs:g} dBFS; drop-outs over {proof.rig.run.continuity_s:g} s",
        "Calibration": _calibration(proof),
    }
    yield '<table class="facts">'
    yield from (
        f"<tr><th>{name}</th><td>{value if name == 'Calibration' else _e(value)}</td></tr>"
        for name, value in rows.items()
    )
    yield "</table>"


def _calibration(proof: Proof) -> str:
    if not proof.uncalibrated:
        return "every card and output is calibrated, and within its time: see Devices"
    reasons = "".join(f"<li>{_e(one)}</li>" for one in proof.uncalibrated)
    told = "<b>This rig is not calibrated.</b> Levels are dBFS, and no level in dBm0 can be vouched for:"
    return f"{told}<ul>{reasons}</ul>"


def _signature(proof: Proof) -> Iterator[str]:
    statement = "The measurements of this report were made on the devices named in it, by the undersigned."
    yield f'<section class="sign"><p>{statement}</p><dl>'
    for name, value in (("Operator", proof.operator), ("Date", ""), ("Signature", "")):
        yield f"<div><dd>{_e(value)}&nbsp;</dd><dt>{name}</dt></div>"
    yield "</dl></section>"


def _failures(proof: Proof) -> Iterator[str]:
    yield "<h2>Out of limits</h2>"
    yield _thead("Line", "Measurement", "Value", "Limits", "Margin", "Remark")
    for result in proof.failed:
        cells = (result.line, result.kind.title, _value(result), _limits(result), _margin(result), result.remark)
        short = "".join(f'<td class="name">{_e(cell)}</td>' for cell in cells[:-1])
        yield f'<tr class="bad">{short}<td>{_e(cells[-1])}</td></tr>'
    yield "</tbody></table>"
    if proof.troubles:
        yield "<h3>Broken off</h3><ul>"
        yield from (f"<li>{_e(test)}: {_e(text)}</li>" for test, text in proof.troubles.items())
        yield "</ul>"


def _summary(proof: Proof) -> Iterator[str]:
    """Each measurement once: its worst line."""
    yield "<h2>Measurements</h2>"
    yield _thead("Measurement", "Lines", "Worst value", "on line", "Limits", "Margin", "Verdict")
    for name, kind in KINDS.items():
        results = [result for result in proof.results if result.name == name]
        if not results:
            continue
        worst = min(results, key=lambda result: result.margin if result.margin is not None else -math.inf)
        failed = sum(not result.passed for result in results)
        verdict = f"{failed} fail" if failed else "pass"
        cells = (str(len(results)), _value(worst), worst.line, _limits(worst), _margin(worst))
        about = f"<td>{_e(kind.title)}<small>{_e(kind.says)}</small></td>"
        row = "".join(f'<td class="name">{_e(cell)}</td>' for cell in cells)
        yield f'<tr{_class(failed)}>{about}{row}<td class="{"fail" if failed else "pass"}">{verdict}</td></tr>'
    yield "</tbody></table>"


def _lines(proof: Proof) -> Iterator[str]:
    """Give a row for each line, a column for each measurement."""
    by_line: dict[str, dict[str, Result]] = {}
    for result in proof.results:
        by_line.setdefault(result.line, {})[result.name] = result
    names = [name for name in KINDS if any(name in found for found in by_line.values())]
    for some in (names[: (len(names) + 1) // 2], names[(len(names) + 1) // 2 :]) if len(names) > 9 else (names,):
        yield '<table class="lines"><thead><tr><th>Line</th>'
        for name in some:
            unit = KINDS[name].unit
            allowed = limits(proof.rig, name)
            yield f"<th>{_e(KINDS[name].title)}<small>{_e(unit)} {_e(str(allowed).replace('-', '−'))}</small></th>"
        yield "</tr></thead><tbody>"
        for line, found in by_line.items():
            if some and not any(name in found for name in some):
                continue
            yield f"<tr><th>{_e(line)}</th>"
            yield from (_cell(found.get(name)) for name in some)
            yield "</tr>"
        yield "</tbody></table>"


def _cell(result: Result | None) -> str:
    if result is None:
        return "<td>–</td>"
    remark = f' title="{_e(result.remark)}"' if result.remark else ""
    value = "none" if result.value is None else _number(result.value)
    return f"<td{_class(not result.passed)}{remark}>{value}{'' if result.passed else ' ✗'}</td>"


def _devices(told: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Devices</h2>"
    yield _thead("Device", "Model", "Serial number", "Full scale", "Calibrated", "Instrument", "Holds until")
    for device in told["devices"]:
        yield from _device(device)
    yield "</tbody></table>"
    yield from _list("Cables", [_cable(cable) for cable in told["cables"]])
    yield from _list(
        "Phones", [f"{p['name']}: {p['number']}, {p['kind']} {p['model']} {p['serial']}" for p in told["phones"]]
    )
    yield from _list(
        "Serial ports", [f"{p['name']}: {p['device']}, {p['baud']} baud, {p['serial']}" for p in told["serial_ports"]]
    )


def _device(device: Mapping[str, Any]) -> Iterator[str]:
    what = f"{device['what']} {device['name']}<small>{_e(device['device'])}, {device['channels']} channels</small>"
    known = device["calibration"]
    fault = device["calibration_fault"]
    if known is None:
        cells = ("–", "never", "–", "–")
    else:
        instrument = f"{known['instrument']} {known['instrument_serial']}".strip()
        cells = (
            f"{known['full_scale_dbm0']:+g} dBm0",
            known["date"],
            instrument,
            fault or f"{known['valid_days']} days",
        )
    row = "".join(f"<td>{_e(str(cell))}</td>" for cell in (device["model"] or "–", device["serial"] or "–", *cells))
    yield f"<tr{_class(bool(fault))}><td>{what}</td>{row}</tr>"


def _cable(cable: Mapping[str, Any]) -> str:
    more = [f"loss {cable['loss_db']:g} dB"] if cable["loss_db"] else []
    more += ["wires crossed"] if cable["inverted"] else []
    more += [f"serial number {cable['serial']}"] if cable["serial"] else []
    return f"{cable['line']}: {cable['output']} → {cable['input']}{'; ' if more else ''}{', '.join(more)}"


def _skipped(proof: Proof) -> Iterator[str]:
    yield from _list("Not measured here", [f"{KINDS[name].title}: {reason}" for name, reason in proof.skipped.items()])


def _thead(*titles: str) -> str:
    cells = "".join(f"<th>{title}</th>" for title in titles)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>"


def _list(title: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield f"<h3>{title}</h3><ul>{''.join(f'<li>{_e(item)}</li>' for item in items)}</ul>"


def _value(result: Result) -> str:
    return "nothing to measure" if result.value is None else f"{_number(result.value)} {result.kind.unit}".strip()


def _limits(result: Result) -> str:
    return f"{result.limits} {result.kind.unit}".replace("-", "−").strip()


def _margin(result: Result) -> str:
    return "–" if result.margin is None or not math.isfinite(result.margin) else _number(result.margin)


def _number(value: float) -> str:
    """Write what can be read: two digits behind the point for small values, none for large ones."""
    if value == int(value):
        return f"{int(value)}".replace("-", "−")
    digits = 3 if abs(value) < 0.1 else 2 if abs(value) < 10 else 1
    text = f"{value:.{digits}f}"
    return ("0" if float(text) == 0 else text).replace("-", "−")


def _class(bad: object) -> str:
    return ' class="bad"' if bad else ""


def _e(text: str) -> str:
    return html.escape(text)
