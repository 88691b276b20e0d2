"""A box under load: N SIP calls at once that are recorded, and what became of every packet.

The source of the packets is a process of its own, so that who measures beside it is not disturbed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import psutil
import soundfile

from appliance.audio import measure
from hil.child_box import HOST, ROOT, START_S, ChildBox
from hil.event_log import EventLog
from hil.ports import free_sip_port
from hil.usage import Groups, Usage, measure_usage

CALLS_A_WORKER: Final = 4
STAGGER_S: Final = 0.05
GRACE_S: Final = 30.0
_START_A_WORKER_S: Final = 1.0  # of the processor, beside what else the machine does


@final
@dataclasses.dataclass(frozen=True, slots=True)
class CallOutcome:
    """What the file of one call holds. ``lost`` counts packets of all its streams that are not in it.

    ``lost_numbers`` names the first few of them: the first and last packets of a call are lost for other reasons
    than those between.
    """

    device: str
    code: int
    sent: int = 0
    lost: int = 0
    lost_numbers: tuple[int, ...] = ()
    doubled: int = 0
    slips: int = 0
    call_s: float = 0.0
    length_s: float = 0.0
    interrupted: bool = False
    trouble: str = ""


@final
class Load:
    """N calls that go on. Made by :func:`run_load`."""

    def __init__(
        self,
        box: ChildBox,
        log: EventLog,
        calls: int,
        seconds: float,
        streams: int,
        ports: list[int],
        *,
        siprec: bool,
        codec: str,
    ) -> None:
        self.box = box
        self.log = log
        self.calls = calls
        self.seconds = seconds
        self.streams = streams
        self._ports = ports  # of each call, taking turns
        self._siprec = siprec
        self._codec = codec
        self.lateness: dict[str, Any] = {}
        self._results: list[dict[str, Any]] = []
        self._source: subprocess.Popen[str] | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)

    @property
    def port(self) -> int:
        """Where the calls go; the first of several."""
        return self._ports[0]

    def start(self) -> None:
        """Announce the calls, place them, and wait until all are recorded. Raises TimeoutError."""
        with self.box.client() as client:
            for n in range(self.calls):
                client.request({"TYPE": "CALLSTART", "DEVICEID": _device(n)})
        targets = [f"--to=sip:source@{HOST}:{port}" for port in self._ports]
        options = ["--calls", str(self.calls), "--streams", str(self.streams), "--seconds", str(self.seconds)]
        options += ["--stagger", str(STAGGER_S), "--header", "X-Device: " + _device("{n}")]
        options += ["--codec", self._codec]
        if self._siprec:
            options += ["--agent", _device("{n}")]
        self._source = subprocess.Popen(
            [sys.executable, "-m", "hil.peers.rtp_source", *targets, *options],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self._reader.start()
        self.log.wait_all("RECORDINGSTARTED", count=self.calls, timeout_s=GRACE_S + self.calls * STAGGER_S)

    def _read(self) -> None:
        assert self._source is not None
        assert self._source.stdout is not None
        lines = [json.loads(line) for line in self._source.stdout]
        self._source.stdout.close()
        if lines:
            *self._results, self.lateness = lines

    def measure(self, window_s: float) -> Usage:
        """Watch what the box and the source use for so long."""
        return measure_usage(self._groups, window_s)

    def _groups(self) -> Groups:
        source = [psutil.Process(self._source.pid)] if self._source is not None and self._source.poll() is None else []
        parts = self.box.processes()
        return {**{part: parts[part] for part in parts}, "source": source}

    def finish(self) -> list[CallOutcome]:
        """Wait for the calls' end, stop them as a client would, and look into every file."""
        return [self._look_into(result) for result in self.wait_results()]

    def wait_results(self) -> list[dict[str, Any]]:
        """Wait for the calls' end, stop them as a client would, and wait for every file; gives the source's words."""
        assert self._source is not None
        self._source.wait(self.seconds + self.calls * STAGGER_S + GRACE_S)
        self._reader.join(5)
        with self.box.client() as client:
            for n in range(self.calls):
                client.request({"TYPE": "CALLSTOP", "DEVICEID": _device(n)})
        answered = sum(r["code"] == 200 for r in self._results)
        self.log.wait_all("RECORDINGUPDATE", count=answered, timeout_s=GRACE_S)
        return self._results

    def files(self, number: int) -> list[Path]:
        """Give the files of a call that were told so far."""
        saved = [e for e in self.log.of(_device(number)) if e.event_type == "RECORDINGUPDATE"]
        return [Path(event.data["FILENAME"]) for event in saved]

    def _look_into(self, result: dict[str, Any]) -> CallOutcome:
        device = _device(result["number"])
        if result["code"] != 200:
            return CallOutcome(device, result["code"], trouble=f"{result['code']} {result['reason']}")
        saved = self.files(result["number"])
        if len(saved) != 1:
            return CallOutcome(device, 200, trouble=f"{len(saved)} recordings")
        path, packets = saved[0], int(result["packets_sent"])
        samples, rate_hz = soundfile.read(path, dtype="int16", always_2d=True)
        legs = [measure.read_coded(np.ascontiguousarray(samples[:, n]), n, rate_hz) for n in range(samples.shape[1])]
        lost = [number for leg in legs for number in leg.lost(packets)]
        return CallOutcome(
            device,
            200,
            sent=packets * self.streams,
            lost=len(lost) + packets * (self.streams - len(legs)),
            lost_numbers=tuple(lost[:10]),
            doubled=sum(leg.doubled for leg in legs),
            slips=sum(len(leg.slips) for leg in legs),
            call_s=result["bye_at_s"] - result["answered_at_s"],
            length_s=len(samples) / rate_hz,
            interrupted=bool(json.loads(Path(f"{path}.json").read_text())["interrupted"]),
        )

    def close(self) -> None:
        """End the source if it still runs."""
        if self._source is not None and self._source.poll() is None:
            self._source.kill()
            self._source.wait()


@contextlib.contextmanager
def run_load(
    calls: int,
    seconds: float,
    streams: int = 2,
    *,
    front: bool = False,
    codec: str = "PCMU",
    tap: Mapping[str, Any] | None = None,
) -> Iterator[Load]:
    """Start a box with a SIP trunk for so many calls and place them; the box and its recordings go at the end.

    With ``front`` they all come by one port, as SIPREC calls. ``codec`` is PCMU or G722, ``tap`` further options of the
    trunk.
    """
    workers = -(-calls // CALLS_A_WORKER)
    port = free_sip_port(workers)
    own = {"name": "trunk", "kind": "sip", "port": port, "calls": calls, "front": "kamailio" if front else "none"}
    ports = [port] if front else [port + 2 * k for k in _workers_by_turns(calls)]
    with tempfile.TemporaryDirectory(prefix="linetap-bench-") as folder:
        sections = {"recording": {"reserve_mb": 10}}
        with (
            ChildBox(
                Path(folder),
                taps=[{**own, **(tap or {})}],
                sections=sections,
                start_s=START_S + workers * _START_A_WORKER_S,
            ) as box,
            EventLog(box.events()) as log,
        ):
            load = Load(box, log, calls, seconds, streams, ports, siprec=front, codec=codec)
            try:
                load.start()
                yield load
            finally:
                load.close()


def _workers_by_turns(calls: int) -> list[int]:
    """Worker of each call: one after the other, and none more calls than it has lines."""
    workers = -(-calls // CALLS_A_WORKER)
    return [k for turn in range(CALLS_A_WORKER) for k in range(workers) if k * CALLS_A_WORKER + turn < calls]


def _device(number: int | str) -> str:
    return f"7{number}"
