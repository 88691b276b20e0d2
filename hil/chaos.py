"""Calls through a box while its processes are killed at random: what died with each, and whether the records say so."""

from __future__ import annotations

import dataclasses
import json
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, final

import numpy as np
import psutil
import soundfile

from appliance.audio import measure
from hil.child_box import ChildBox, Part, read_sidecar
from hil.load import Load

CALLS_A_WORKER: Final = 4
PACKET_S: Final = 0.02
_AWAY_S, _STEP_S = 3.0, 0.2
_FIRST_S, _LAST_S = 2.0, 3.0  # no kill this soon after the begin, or this soon before the end

Victim = Literal["worker", "kamailio", "a process of kamailio", "front"]
VICTIMS: Final[tuple[Victim, ...]] = ("worker", "kamailio", "a process of kamailio", "front")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Kill:
    """A process that was killed; ``worker`` is its number among the trunk's, -1 where it serves no lines."""

    victim: Victim
    at_s: float  # CLOCK_MONOTONIC
    worker: int = -1


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What one call's file holds, against what was done to its worker. ``fault`` is empty where both agree."""

    device: str
    worker: int
    killed: bool
    told: bool  # its caller got a BYE
    short_ms: float = 0.0  # of a killed call: from its last recorded packet to the kill
    fault: str = ""


def plan_kills(
    seed: int, count: int, seconds: float, victims: Sequence[Victim] = VICTIMS
) -> list[tuple[float, Victim]]:
    """Draw moments from the begin, and the order of the victims, each as often as the others; the same for a seed."""
    draw = random.Random(seed)
    moments = sorted(draw.uniform(_FIRST_S, seconds - _LAST_S) for _ in range(count))
    drawn = [victims[number % len(victims)] for number in range(count)]
    draw.shuffle(drawn)
    return list(zip(moments, drawn, strict=True))


def carry_out(box: ChildBox, plan: Sequence[tuple[float, Victim]], seed: int, begun_s: float) -> list[Kill]:
    """Kill as planned; a victim that is away just then is waited for, and left out if it does not come."""
    draw, kills = random.Random(seed), []
    for after_s, victim in plan:
        time.sleep(max(0.0, begun_s + after_s - time.monotonic()))
        process, give_up_s = None, time.monotonic() + _AWAY_S
        while process is None and time.monotonic() < give_up_s:
            process = _find(box, victim, draw)
            time.sleep(0.0 if process else _STEP_S)
        if process is None:
            continue
        worker = _index(process) if victim == "worker" else -1
        process.send_signal(signal.SIGKILL)
        kills.append(Kill(victim, time.monotonic(), worker))
    return kills


def _find(box: ChildBox, victim: Victim, draw: random.Random) -> psutil.Process | None:
    part: Part = "tap workers" if victim in {"worker", "front"} else "other"
    found = [p for p in box.processes()[part] if _is(p, victim)]
    return draw.choice(sorted(found, key=lambda p: p.pid)) if found else None


def _is(process: psutil.Process, victim: Victim) -> bool:
    try:
        if victim in {"worker", "front"}:
            plan = _plan(process)
            return plan["role"] == "front" if victim == "front" else bool(plan["lines"])
        first = process.parent()
        is_kamailio = process.name() == "kamailio"
        return is_kamailio and (first is None or first.name() != "kamailio") == (victim == "kamailio")
    except psutil.Error:
        return False


def _plan(process: psutil.Process) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads(process.cmdline()[-1])["plan"]
    return plan


def _index(process: psutil.Process) -> int:
    return int(_plan(process)["index"])


def judge(path: Path, result: dict[str, Any], kills: Sequence[Kill], most_lost_ms: float) -> Verdict:
    """Look into the file of a call that the source tells of.

    A call whose worker was killed must hold every packet up to ``most_lost_ms`` before the kill, and say how it ended;
    any other call must hold all of them, and say nothing.
    """
    facts = read_sidecar(path)
    worker, sent = int(facts["line"]) // CALLS_A_WORKER, int(result["packets_sent"])
    died_at = [k.at_s for k in kills if k.worker == worker and k.at_s < result["ended_at_s"] + 0.5]
    samples, _ = soundfile.read(path, dtype="int16", always_2d=True)
    legs = [measure.read_coded(np.ascontiguousarray(samples[:, n]), n) for n in range(samples.shape[1])]
    told = result["bye_code"] == 0
    if not died_at:
        lost = [number for leg in legs for number in leg.lost(sent)]
        fault = f"lost {lost[:10]}" if lost or len(legs) != result["streams"] else ""
        fault = fault or ("told as interrupted" if facts["interrupted"] else "")
        return Verdict(facts["device_id"], worker, killed=False, told=told, fault=fault)
    until = min(sent, round((died_at[0] - result["begun_at_s"]) / PACKET_S))
    last = [max(leg.numbers.tolist(), default=-1) for leg in legs]
    short_ms = max((until - number - 1) * PACKET_S * 1000 for number in last)
    holes = [n for leg, end in zip(legs, last, strict=True) for n in leg.lost(end + 1)]
    fault = f"lost {holes[:10]} before the end" if holes else ""
    fault = fault or ("" if facts["interrupted"] else "not told as interrupted")
    fault = fault or (f"ends {short_ms:.0f} ms before the kill" if short_ms > most_lost_ms else "")
    return Verdict(facts["device_id"], worker, killed=True, told=told, short_ms=round(short_ms, 1), fault=fault)


def judge_all(load: Load, kills: Sequence[Kill], most_lost_ms: float) -> list[Verdict]:
    """Wait for the end of the calls and judge each; one that was not taken or has not just one file is a fault."""
    return [_judge_call(load, result, kills, most_lost_ms) for result in load.wait_results()]


def _judge_call(load: Load, result: dict[str, Any], kills: Sequence[Kill], most_lost_ms: float) -> Verdict:
    files = load.files(result["number"])
    if result["code"] != 200 or len(files) != 1:
        fault = f"answered {result['code']}, {len(files)} files"
        return Verdict(str(result["number"]), -1, killed=False, told=False, fault=fault)
    return judge(files[0], result, kills, most_lost_ms)
