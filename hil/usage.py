"""What groups of processes use over a while: CPU, memory of their own, write calls; and the machine beside them."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import final

import psutil

Groups = Mapping[str, Sequence[psutil.Process]]


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """CPU in percent of one core, memory of their own (USS) in MiB, write calls a second, number of processes.

    ``disk_writes_per_s`` and ``machine_busy_percent`` are the whole machine's, whoever else works on it included.
    """

    cpu_percent: dict[str, float]
    memory_mib: dict[str, float]
    writes_per_s: dict[str, float]
    processes: dict[str, int]
    disk_writes_per_s: float
    window_s: float
    machine_busy_percent: float


def measure_usage(groups: Callable[[], Groups], window_s: float) -> Usage:
    """Watch the groups for so long. What a process did that ended meanwhile is left out."""
    psutil.cpu_percent()
    cpu_s, writes, disk = _cpu_s(groups()), _writes(groups()), _disk_writes()
    begun_s = time.monotonic()
    time.sleep(window_s)
    found = groups()
    took_s = time.monotonic() - begun_s
    cpu_after_s, writes_after = _cpu_s(found), _writes(found)
    return Usage(
        cpu_percent={g: 100 * max(0.0, cpu_after_s[g] - cpu_s.get(g, 0)) / took_s for g in found},
        memory_mib={g: sum(map(own_memory_mib, found[g])) for g in found},
        writes_per_s={g: max(0, writes_after[g] - writes.get(g, 0)) / took_s for g in found},
        processes={g: len(found[g]) for g in found},
        disk_writes_per_s=(_disk_writes() - disk) / took_s,
        window_s=took_s,
        machine_busy_percent=psutil.cpu_percent(),
    )


def own_memory_mib(process: psutil.Process) -> float:
    """Memory that the process shares with no other; 0 when it has ended."""
    with contextlib.suppress(psutil.Error):
        return float(process.memory_full_info().uss) / 2**20
    return 0.0


def _cpu_s(groups: Groups) -> dict[str, float]:
    return {group: sum(map(_cpu_s_of, processes)) for group, processes in groups.items()}


def _cpu_s_of(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _writes(groups: Groups) -> dict[str, int]:
    return {group: sum(map(_writes_of, processes)) for group, processes in groups.items()}


def _writes_of(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.io_counters().write_count)
    return 0


def _disk_writes() -> int:
    counters = psutil.disk_io_counters()
    return int(counters.write_count) if counters is not None else 0
