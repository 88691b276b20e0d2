"""rtpengine under the load that a box gets from :mod:`hil.load`: what it recorded, and what it used for that."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, final

import psutil

from hil.child_box import ROOT
from hil.peers.rtpengine import Rtpengine
from hil.usage import Usage, measure_usage

STAGGER_S: Final = 0.05
_GRACE_S: Final = 30.0
_FIRST_RTP_PORT: Final = 40_000
_PORTS_A_CALL: Final = 16


@final
@dataclasses.dataclass(frozen=True, slots=True)
class PeerOutcome:
    """What became of the packets. ``lost`` counts those of all streams that are in no file."""

    calls: int
    sent: int
    lost: int
    whole_calls: int
    recorded_bytes: int
    usage: Usage
    lateness: dict[str, Any]


def run_rtpengine(calls: int, seconds: float, window_s: float, streams: int = 2) -> PeerOutcome:
    """Have it record so many calls at once; raises RtpengineError where it does not start."""
    ports = (_FIRST_RTP_PORT, min(65_000, _FIRST_RTP_PORT + max(400, calls * _PORTS_A_CALL)))
    with tempfile.TemporaryDirectory(prefix="linetap-bench-") as name:
        engine = Rtpengine(Path(name), ports)
        with engine:
            said, usage = _load(engine, calls, seconds, window_s, streams)
        *results, lateness = [json.loads(line) for line in said.splitlines()]
        size = sum(path.stat().st_size for path in Path(name, "pcaps").iterdir())
        return _count(results, engine.recorded(), size, usage, lateness)


def _load(engine: Rtpengine, calls: int, seconds: float, window_s: float, streams: int) -> tuple[str, Usage]:
    command = [sys.executable, "-m", "hil.peers.rtpengine_source", "--control", "{}:{}".format(*engine.control)]
    command += ["--calls", str(calls), "--streams", str(streams), "--seconds", str(seconds)]
    command += ["--stagger", str(STAGGER_S)]
    source = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        time.sleep(calls * STAGGER_S + 1.0)
        groups = {"rtpengine": [psutil.Process(engine.pid)], "source": [psutil.Process(source.pid)]}
        usage = measure_usage(lambda: groups, window_s)
        said, _ = source.communicate(timeout=seconds + calls * STAGGER_S + _GRACE_S)
    finally:
        source.kill()
        source.wait()
    return said, usage


def _count(
    results: list[dict[str, Any]],
    files: list[dict[int, set[int]]],
    size: int,
    usage: Usage,
    lateness: dict[str, Any],
) -> PeerOutcome:
    found = {port: numbers for file in files for port, numbers in file.items()}
    lost = [sum(len(set(range(r["packets_sent"])) - found.get(port, set())) for port in r["ports"]) for r in results]
    return PeerOutcome(
        calls=len(results),
        sent=sum(r["packets_sent"] * len(r["ports"]) for r in results),
        lost=sum(lost),
        whole_calls=lost.count(0),
        recorded_bytes=size,
        usage=usage,
        lateness=lateness,
    )
