"""A box under churn: short calls at an even pace, every file looked into and removed, every process watched."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import psutil
import soundfile

from appliance.audio import measure
from appliance.client import EventClient
from appliance.errors import UnreachableError
from hil.child_box import HOST, ROOT, ChildBox
from hil.usage import own_memory_mib

_LOOK_S: Final = 0.2
_END_S: Final = 60.0


@final
@dataclasses.dataclass(slots=True)
class Tally:
    """What became of the calls."""

    answered: int = 0
    refused: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    recorded: int = 0
    interrupted: int = 0
    packets: int = 0
    lost: int = 0
    lost_calls: int = 0

    def facts(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {**dataclasses.asdict(self), "refused": dict(self.refused)}


@final
class Churn:
    """The source of the calls and the reader of the files. ``finish`` waits until every call's file was looked into."""

    def __init__(self, box: ChildBox, arguments: list[str]) -> None:
        self.tally = Tally()
        self.lateness: dict[str, Any] = {}
        self._box = box
        self._events = EventClient(HOST, box.events_port)
        self._results: dict[str, collections.deque[int]] = collections.defaultdict(collections.deque)
        self._files: dict[str, collections.deque[Path]] = collections.defaultdict(collections.deque)
        self._guard = threading.Lock()
        self._closing = threading.Event()
        command = [sys.executable, "-m", "hil.peers.churn_source", *arguments]
        self._source = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read_calls, self._read_files)]
        for thread in self._threads:
            thread.start()

    def running(self) -> bool:
        """Whether calls still come."""
        return self._source.poll() is None

    def finish(self) -> None:
        """Wait for the calls that are up and for their files."""
        self._source.wait(_END_S)
        self._threads[0].join(_END_S)
        end_s = time.monotonic() + _END_S
        while self.tally.recorded < self.tally.answered and time.monotonic() < end_s:
            time.sleep(_LOOK_S)

    def close(self) -> None:
        """End the source and the threads."""
        self._closing.set()
        if self.running():
            self._source.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._source.wait(10)
            self._source.kill()
        for thread in self._threads:
            thread.join(5)
        self._events.close()

    def _read_calls(self) -> None:
        assert self._source.stdout is not None
        for line in self._source.stdout:
            told = json.loads(line)
            if "code" not in told:
                self.lateness = told
            elif told["code"] == 200:
                self.tally.answered += 1
                self._match(told["agent"], packets=told["packets_sent"])
            else:
                self.tally.refused[told["code"]] += 1

    def _read_files(self) -> None:
        while not self._closing.is_set():
            try:
                event = self._events.next(_LOOK_S)
            except TimeoutError:
                continue
            except UnreachableError:
                return
            if event.event_type == "RECORDINGUPDATE":
                self._match(event.data["DEVICEID"], path=Path(event.data["FILENAME"]))

    def _match(self, device: str, *, packets: int | None = None, path: Path | None = None) -> None:
        """Put calls and files of a device together, in their order."""
        with self._guard:
            if packets is not None:
                self._results[device].append(packets)
            if path is not None:
                self._files[device].append(path)
            if self._results[device] and self._files[device]:
                self._look_into(self._files[device].popleft(), self._results[device].popleft())

    def _look_into(self, path: Path, packets: int) -> None:
        samples, _ = soundfile.read(path, dtype="int16", always_2d=True)
        legs = [measure.read_coded(np.ascontiguousarray(samples[:, n]), n) for n in range(samples.shape[1])]
        lost = sum(len(leg.lost(packets)) for leg in legs) + packets * (2 - len(legs))
        sidecar = Path(f"{path}.json")
        self.tally.interrupted += bool(json.loads(sidecar.read_text())["interrupted"])
        self.tally.packets += 2 * packets
        self.tally.lost += lost
        self.tally.lost_calls += lost > 0
        self.tally.recorded += 1
        path.unlink()
        sidecar.unlink()


def watch_box(box: ChildBox) -> dict[str, Any]:
    """Take one look: every process, the spool, and what the box counts of its workers."""
    with urllib.request.urlopen(f"http://{HOST}:{box.web_port}/metrics", timeout=10) as answer:
        page = answer.read().decode()
    processes = [_process(part, process) for part, group in box.processes().items() for process in group]
    return {
        "processes": [row for row in processes if row],
        "restarts": _figure(page, "linetap_tap_worker_restarts_total"),
        "renewed": _figure(page, "linetap_tap_workers_renewed_total"),
        "workers_up": _figure(page, "linetap_tap_workers_up"),
        "spool_bytes": _figure(page, "linetap_spool_bytes"),
        "spool_sessions": sum(path.is_dir() and path.name != "workers" for path in (box.run_dir / "spool").iterdir()),
        "files": sum(1 for path in box.folder.rglob("*") if path.is_file()),
        "channels_idle": _figure(page, 'linetap_channels{state="Idle"}'),
    }


def _process(part: str, process: psutil.Process) -> dict[str, Any]:
    with contextlib.suppress(psutil.Error):
        facts = {"part": part, "pid": process.pid, "fds": process.num_fds(), "threads": process.num_threads()}
        return {**facts, "mib": round(own_memory_mib(process), 2)}
    return {}


def _figure(page: str, name: str) -> int:
    """Sum of a figure's rows; its labels may stand in ``name``."""
    label = "" if name.endswith("}") else r"(?:\{[^}]*\})?"
    rows = re.findall(rf"^{re.escape(name)}{label} (\S+)$", page, re.MULTILINE)
    return round(sum(map(float, rows)))
