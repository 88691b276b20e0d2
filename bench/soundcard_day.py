"""One sound-card line recorded around the clock: whether the box's memory grows, and the files drift from the clock.

Needs the loopback cards of the virtual rig, where an idle hour takes seconds, and says so where they are not::

    python -m hil.rig run --timeout 90000 -- /opt/linetap/bin/python bench/soundcard_day.py --hours 24
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import soundfile

from drivers.taps.soundcard.cards import cards
from hil import loop_cards
from hil.child_box import ChildBox, Part, read_sidecar
from hil.event_log import EventLog

CARD: Final = "L0"
DEVICE: Final = "7001"
RATE_HZ: Final = 8000
MOST_GROWTH_MIB: Final = 2.0
MOST_OFF_S: Final = 0.05
_PARTS: Final[tuple[Part, ...]] = ("tap workers", "writer", "core")


def main() -> int:
    """Run it; 0 if every file is whole, none is missing between two, memory stays and the clock is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=0.02)
    parser.add_argument("--cut", type=int, default=0, help="seconds of each file; a sixth of the time unless said")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    arguments = parser.parse_args()
    if CARD not in {card.id for card in cards()}:
        print("skipped: needs the loopback cards of the virtual rig, see docs/rig.md")
        return 0
    seconds = arguments.hours * 3600
    cut_s = arguments.cut or max(10, min(3600, int(seconds / 6)))
    facts = run(max(2, int(seconds / cut_s)), cut_s)
    show(facts)
    if arguments.json:
        print(json.dumps(facts))
    return 0 if facts["good"] else 1


def run(files: int, cut_s: int) -> dict[str, Any]:
    """Let the line record ``files`` recordings one after the other; each is looked at and removed."""
    tap = {
        "name": CARD,
        "kind": "soundcard",
        "device": loop_cards.capture_side(CARD),
        "channels": 1,
        "card_rate_hz": RATE_HZ,
        "always_cut_s": cut_s,
        "lines": [{"name": "1", "inputs": [1], "start": "always", "device": DEVICE}],
    }
    records: list[dict[str, Any]] = []
    memory: list[dict[str, float]] = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(loop_cards.playing_tones(folder, CARD, loop_cards.tones_of(0)[:1], RATE_HZ))
        sections = {"recording": {"reserve_mb": 10}}
        box = stack.enter_context(ChildBox(folder / "box", taps=[tap], sections=sections))
        log = stack.enter_context(EventLog(box.events()))
        for count in range(1, files + 1):
            event = log.wait("RECORDINGUPDATE", DEVICE, count=count, timeout_s=cut_s + 60)
            path = Path(event.data["FILENAME"])
            records.append(look_into(path))
            memory.append(memory_mib(box))
            path.unlink()
            print(f"{count} of {files}: {records[-1]} {memory[-1]}", file=sys.stderr, flush=True)
    return summarise(records, memory)


def look_into(path: Path) -> dict[str, Any]:
    """Give what matters of a recording and its file."""
    record = read_sidecar(path)
    pcm, rate_hz = soundfile.read(path, dtype="int16")
    return {
        "began_at": record["started_at"],
        "duration_s": record["duration_s"],
        "gaps": len(record["gaps"]),
        "overruns": record["measured"]["overruns"],
        "drift_ppm": record["measured"].get("drift_ppm", 0.0),
        "broken_frames": sum(loop_cards.hear_tone(part, rate_hz).broken_frames for part in _minutes(pcm, rate_hz)),
    }


def _minutes(pcm: loop_cards.Pcm, rate_hz: int) -> Iterator[loop_cards.Pcm]:
    """Cut into minutes that overlap by more than a second: every frame but the first has one a second before it."""
    for at in range(0, max(1, len(pcm) - 3 * rate_hz), 60 * rate_hz):
        yield pcm[at : at + 62 * rate_hz]


def memory_mib(box: ChildBox) -> dict[str, float]:
    """Give what the processes of each part hold for themselves."""
    parts = box.processes()
    return {part: round(sum(p.memory_full_info().uss for p in parts[part]) / 2**20, 2) for part in _PARTS}


def summarise(records: list[dict[str, Any]], memory: list[dict[str, float]]) -> dict[str, Any]:
    """Compare the begin of each file with the end of the one before, and the memory with that at the first file."""
    begins = [dt.datetime.fromisoformat(record["began_at"]).timestamp() for record in records]
    recorded_s = sum(record["duration_s"] for record in records[:-1])
    passed_s = begins[-1] - begins[0]
    drift_ppm = records[-1]["drift_ppm"]
    off_s = recorded_s - passed_s
    growth = {part: round(memory[-1][part] - memory[0][part], 2) for part in _PARTS}
    ends_h = [(b - begins[0] + record["duration_s"]) / 3600 for b, record in zip(begins, records, strict=True)]
    hourly = {part: _slope(ends_h[1:], [held[part] for held in memory[1:]]) for part in _PARTS}
    lost = sum(record["gaps"] + record["overruns"] + record["broken_frames"] for record in records)
    told_s = passed_s * drift_ppm * 1e-6
    kept = abs(off_s - told_s) <= MOST_OFF_S
    return {
        "files": len(records),
        "hours": round((passed_s + records[-1]["duration_s"]) / 3600, 3),
        "lost": lost,
        "file_against_clock_s": round(off_s, 4),
        "of_that_recorded_as_drift_s": round(told_s, 4),
        "drift_ppm": drift_ppm,
        "memory_mib": memory[-1],
        "growth_mib": growth,
        "growth_mib_per_hour": hourly,
        "good": lost == 0 and kept and max(growth.values()) <= MOST_GROWTH_MIB,
    }


def _slope(hours: list[float], mib: list[float]) -> float | None:
    """Give the growth an hour by a line through all but the first file, which warms up; None for less than three."""
    return round(statistics.linear_regression(hours, mib).slope, 3) if len(hours) > 2 else None


def show(facts: dict[str, Any]) -> None:
    """Print the figures for people."""
    print(f"recorded         {facts['hours']} hours in {facts['files']} files, {facts['lost']} losses of any kind")
    told = facts["of_that_recorded_as_drift_s"]
    print(f"files and clock  {facts['file_against_clock_s']} s apart, {told} s of it recorded as drift")
    for part in _PARTS:
        hourly = facts["growth_mib_per_hour"][part]
        later = "" if hourly is None else f", {hourly:+.3f} an hour from the second file on, {24 * hourly:+.1f} a day"
        held, grown = facts["memory_mib"][part], facts["growth_mib"][part]
        print(f"{part:16} {held:7.1f} MiB, {grown:+.2f} since the first file{later}")


if __name__ == "__main__":
    raise SystemExit(main())
