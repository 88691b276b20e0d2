"""The page that a technician reads, prints and signs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hil.measure import KINDS
from hil.report.devices import devices, skipped
from hil.report.plots import plots
from hil.report.results import failures, lines, summary
from hil.report.style import STYLE, footer
from hil.report.text import escape, minus
from hil.suite.proof import Proof


def page(proof: Proof, told: Mapping[str, Any]) -> str:
    """Give the whole page; ``told`` are the facts of the run."""
    station = proof.rig.station
    title = f"Rig report: {station.name}, {proof.began_at:%Y-%m-%d %H:%M}"
    box = f", box {station.serial}" if station.serial else ""
    style = STYLE + footer(f"{station.name}{box}, {proof.began_at:%Y-%m-%d %H:%M} · {proof.verdict}")
    body = "".join(_parts(proof, told))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>{body}</body></html>\n'
    )


def _parts(proof: Proof, told: Mapping[str, Any]) -> Iterator[str]:
    yield from _head(proof, told)
    yield from _signature(proof)
    yield from failures(proof)
    yield from summary(proof)
    yield from lines(proof)
    for title, says, svg in plots(proof):
        yield f"<figure><figcaption><b>{escape(title)}</b> {escape(says)}</figcaption>{svg}</figure>"
    yield from devices(told)
    yield from skipped(proof)


def _head(proof: Proof, told: Mapping[str, Any]) -> Iterator[str]:
    good = "good" if proof.passed and not proof.uncalibrated else "doubt" if proof.passed else "bad"
    station, run = proof.rig.station, proof.rig.run
    wires = proof.captures.bench.wires
    cards = len({wire.card.name for wire in wires})
    yield f'<header><h1>Rig report</h1><p class="where">{escape(station.name)}</p></header>'
    yield f'<p class="verdict {good}">{escape(proof.verdict)}</p>'
    rows = {
        "Date": escape(_when(proof)),
        "Box": escape(f"serial number {station.serial}" if station.serial else "no serial number given"),
        "Site": escape(station.site or "–"),
        "Lines": f"{len(wires)} on {cards} card{'' if cards == 1 else 's'}",
        "Software": escape(f"{told['software']}; {told['system']}"),
        "Rig file": escape(proof.rig_file.name),
        "Test signal": escape(minus(f"1020 Hz at {run.level_dbfs:g} dBFS; drop-outs over {run.continuity_s:g} s")),
        "Calibration": _calibration(proof),
        "Not measured": escape(", ".join(KINDS[name].title for name in proof.skipped)) or "–",
    }
    yield '<table class="facts">'
    yield from (f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items())
    yield "</table>"


def _when(proof: Proof) -> str:
    began, ended = proof.began_at, proof.ended_at
    until = "" if not ended else f" to {ended:%H:%M}" if ended.date() == began.date() else f" to {ended:%Y-%m-%d %H:%M}"
    return f"{began:%Y-%m-%d %H:%M}{until} ({began.tzname()})"


def _calibration(proof: Proof) -> str:
    if not proof.uncalibrated:
        return "every card and output is calibrated, and within its time: see Devices"
    reasons = "".join(f"<li>{escape(one)}</li>" for one in proof.uncalibrated)
    told = "<b>This rig is not calibrated.</b> Levels are dBFS, and no level in dBm0 can be vouched for:"
    return f"{told}<ul>{reasons}</ul>"


def _signature(proof: Proof) -> Iterator[str]:
    statement = "The measurements of this report were made on the devices named in it, by the undersigned."
    yield f'<section class="sign"><p>{statement}</p><dl>'
    for name, value in (("Operator", proof.operator), ("Date", ""), ("Signature", "")):
        yield f"<div><dd>{escape(value)}&nbsp;</dd><dt>{name}</dt></div>"
    yield "</dl></section>"
