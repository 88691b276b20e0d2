"""What 32 sound-card lines cost a box, beside arecord on the same cards in the same run; whether each file is whole.

Judged at each rate by the arecord that stores what the box does, 8 kHz: arecord as it is where the card gives that,
arecord that lets ALSA convert where it gives more. What the box takes beside the arecord that keeps the card's own
rate, and so does less, is printed too. Needs the loopback cards of the virtual rig, and says so where they are not::

    python -m hil.rig run --timeout 3600 -- /opt/linetap/bin/python bench/soundcard_cpu.py
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, final

import psutil
import soundfile

from drivers.taps.soundcard.cards import cards
from hil import loop_cards
from hil.child_box import ChildBox, Part, read_sidecar
from hil.event_log import EventLog

STORED_HZ: Final = 8000
CARDS: Final = ("L0", "L1", "L2", "L3")
LINES: Final = len(CARDS) * loop_cards.CHANNELS
MOST_TIMES: Final = 2.0
PLAIN: Final = "arecord x32"  # stores what the card gives, at its rate: it does the least of all
CONVERTING: Final = "arecord x32, ALSA converts to 8 kHz"  # makes of the card's rate what the box stores
LEVEL_DB: Final = 0.1
FREQUENCY_HZ: Final = 0.5
_WARM_S: Final = 3.0
_MARGIN_S: Final = 4.0
_PARTS: Final[tuple[Part, ...]] = ("tap workers", "writer", "core")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file."""

    line: str
    text: str


def main() -> int:
    """Run it; 0 if every file is whole and the tap workers take less than twice what that arecord does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each recording")
    parser.add_argument("--window", type=float, default=10.0, help="seconds over which arecord's CPU is measured")
    parser.add_argument("--period-ms", type=int, default=500, help="how often the box reads a card (its period_ms)")
    parser.add_argument("--rates", default="8000,48000", help="rates of the cards in Hz, with commas")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    arguments = parser.parse_args()
    if not set(CARDS) <= {card.id for card in cards()}:
        print("skipped: needs the loopback cards of the virtual rig, see docs/rig.md")
        return 0
    rates = [int(rate) for rate in arguments.rates.split(",")]
    runs = [run(rate, arguments.seconds, arguments.window, arguments.period_ms) for rate in rates]
    for facts in runs:
        show(facts)
    if arguments.json:
        print(json.dumps({"runs": runs}))
    return 0 if all(facts["good"] for facts in runs) else 1


def run(rate_hz: int, seconds: float, window_s: float, period_ms: int) -> dict[str, Any]:
    """Measure arecord and then the box at one rate."""
    reference = {PLAIN: arecord_percent(rate_hz, window_s)}
    if rate_hz != STORED_HZ:
        reference[CONVERTING] = arecord_percent(rate_hz, window_s, converts=True)
    reference["arecord x4, 8 channels"] = arecord_percent(rate_hz, window_s, channels=loop_cards.CHANNELS)
    for what, percent in reference.items():
        print(f"{rate_hz} Hz: {what} {percent:.2f} %", file=sys.stderr, flush=True)
    judge = CONVERTING if CONVERTING in reference else PLAIN
    box = record(rate_hz, seconds, period_ms)
    times = {what: round(box["cpu_percent"]["tap workers"] / percent, 2) for what, percent in reference.items()}
    whole = not box["faults"] and box["files"] == LINES and box["overruns"] == 0
    facts = {
        "card_rate_hz": rate_hz,
        "period_ms": period_ms,
        "arecord_percent": reference,
        **box,
        "times": times,
        "judged_by": judge,
    }
    return {**facts, "good": whole and times[judge] < MOST_TIMES}


# --- arecord ------------------------------------------------------------------------------------------------------


def arecord_percent(rate_hz: int, window_s: float, *, channels: int = 1, converts: bool = False) -> float:
    """Give the CPU in percent of a core that arecord takes to record all lines into memory, as it comes."""
    stored_hz = STORED_HZ if converts else rate_hz
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))
        if converts:  # the side that plays sets the rate of the card
            for card in CARDS:
                for n in range(loop_cards.CHANNELS):
                    stack.enter_context(loop_cards.playing_silence(card, rate_hz, subdevice=n))
        recorders = [
            stack.enter_context(_recorder(device, folder / f"{n}.raw", channels, stored_hz))
            for n, device in enumerate(_devices(channels, converts=converts))
        ]
        time.sleep(_WARM_S)
        before, begun_s = _cpu_s(recorders), time.monotonic()
        time.sleep(window_s)
        return 100 * (_cpu_s(recorders) - before) / (time.monotonic() - begun_s)


def _devices(channels: int, *, converts: bool) -> list[str]:
    kind = "plughw" if converts else "hw"
    return [f"{kind}:CARD={card},DEV=1,SUBDEV={n}" for card in CARDS for n in range(loop_cards.CHANNELS // channels)]


@contextlib.contextmanager
def _recorder(device: str, path: Path, channels: int, rate_hz: int) -> Iterator[psutil.Process]:
    shape = ["-t", "raw", "-f", "S16_LE", "-c", str(channels), "-r", str(rate_hz)]
    recorder = subprocess.Popen(["arecord", "-q", "-D", device, *shape, str(path)])
    try:
        yield psutil.Process(recorder.pid)
    finally:
        recorder.kill()
        recorder.wait()


def _cpu_s(processes: Sequence[psutil.Process]) -> float:
    """Give the processor time of all threads, to the nanosecond: what psutil gives counts in ticks of 10 ms."""
    threads = [thread for process in processes for thread in Path(f"/proc/{process.pid}/task").iterdir()]
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


# --- the box ------------------------------------------------------------------------------------------------------


def record(rate_hz: int, seconds: float, period_ms: int) -> dict[str, Any]:
    """Record all lines at once by CALLSTART; give CPU, memory and what is wrong with the files."""
    taps = [_tap(card, rate_hz, period_ms) for card in CARDS]
    sections = {"recording": {"reserve_mb": 10}}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for number, card in enumerate(CARDS):
            stack.enter_context(loop_cards.playing_tones(folder, card, loop_cards.tones_of(number), rate_hz))
        box = stack.enter_context(ChildBox(folder / "box", taps=taps, sections=sections))
        log = stack.enter_context(EventLog(box.events()))
        client = stack.enter_context(box.client())
        devices = [str(7000 + n) for n in range(LINES)]
        for device in devices:
            client.request({"TYPE": "CALLSTART", "DEVICEID": device})
        log.wait_all("RECORDINGSTARTED", count=LINES, timeout_s=60)
        usage = _usage(box, seconds - _MARGIN_S)
        print(f"{rate_hz} Hz: {usage}", file=sys.stderr, flush=True)
        time.sleep(_MARGIN_S)
        for device in devices:
            client.request({"TYPE": "CALLSTOP", "DEVICEID": device})
        saved = log.wait_all("RECORDINGUPDATE", count=LINES, timeout_s=120)
        files = [Path(event.data["FILENAME"]) for event in saved]
        faults = [fault for path in files for fault in _faults(path, seconds)]
        facts = [read_sidecar(path) for path in files]
    return {
        "seconds": seconds,
        "files": len(files),
        "shortest_s": round(min(f["duration_s"] for f in facts), 2),
        "frames": sum(f["frames"] for f in facts),
        "overruns": sum(f["measured"]["overruns"] for f in facts),
        "drift_ppm_most": max(abs(f["measured"].get("drift_ppm", 0.0)) for f in facts),
        "faults": [dataclasses.asdict(fault) for fault in faults[:10]],
        **usage,
    }


def _tap(card: str, rate_hz: int, period_ms: int) -> dict[str, Any]:
    return {
        "name": card,
        "kind": "soundcard",
        "device": loop_cards.capture_side(card),
        "channels": loop_cards.CHANNELS,
        "card_rate_hz": rate_hz,
        "period_ms": period_ms,
        "buffer_ms": 4 * period_ms,
        "stall_s": max(1, 2 * period_ms / 1000),
    }


def _usage(box: ChildBox, window_s: float) -> dict[str, Any]:
    parts = box.processes()
    before, begun_s = {part: _cpu_s(parts[part]) for part in _PARTS}, time.monotonic()
    time.sleep(window_s)
    took_s = time.monotonic() - begun_s
    used = {part: round(100 * (_cpu_s(parts[part]) - before[part]) / took_s, 2) for part in _PARTS}
    memory = {part: round(sum(p.memory_full_info().uss for p in parts[part]) / 2**20, 1) for part in _PARTS}
    return {"cpu_percent": used, "memory_mib": memory, "window_s": round(took_s, 1)}


def _faults(path: Path, seconds: float) -> Iterator[Fault]:
    record = read_sidecar(path)
    line = f"{record['tap']} {record['line']}"
    wanted_hz = loop_cards.tones_of(CARDS.index(record["tap"]))[int(record["line"]) - 1]
    pcm, rate_hz = soundfile.read(path, dtype="int16")
    heard = loop_cards.hear_tone(pcm, rate_hz)
    if abs(heard.frequency_hz - wanted_hz) > FREQUENCY_HZ:
        yield Fault(line, f"{heard.frequency_hz:.1f} Hz, not {wanted_hz}")
    if abs(heard.level_dbfs - loop_cards.LEVEL_DBFS) > LEVEL_DB:
        yield Fault(line, f"{heard.level_dbfs:.2f} dBFS")
    if heard.broken_frames:
        yield Fault(line, f"{heard.broken_frames} frames are not as those a second before")
    if record["gaps"] or record["interrupted"]:
        yield Fault(line, f"gaps {record['gaps']}, interrupted {record['interrupted']}")
    if record["duration_s"] < seconds:
        yield Fault(line, f"{record['duration_s']} s long")


def show(facts: dict[str, Any]) -> None:
    """Print the figures for people."""
    print(f"\n{LINES} lines, cards at {facts['card_rate_hz']} Hz")
    for what, percent in facts["arecord_percent"].items():
        print(f"  {what:38} {percent:6.2f} % of a core")
    for part in _PARTS:
        print(f"  {part:38} {facts['cpu_percent'][part]:6.2f} % of a core, {facts['memory_mib'][part]:6.1f} MiB")
    for what, times in facts["times"].items():
        judged = f", and that is to be under {MOST_TIMES:g}" if what == facts["judged_by"] else ""
        print(f"  tap workers take {times} times what {what} does{judged}")
    found = facts["faults"] or "all whole"
    print(f"  {facts['files']} files of {facts['seconds']:g} s, {facts['overruns']} overruns, {found}")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
