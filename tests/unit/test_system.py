from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.system import read_system

CPUINFO = """processor\t: 0
model name\t: Example CPU @ 2.40GHz
cpu MHz\t\t: 2394.454

processor\t: 1
model name\t: Example CPU @ 2.40GHz
cpu MHz\t\t: 1200.000

"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "uptime").write_text("66277.91 100.00\n")
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    (tmp_path / "meminfo").write_text("MemTotal: 4194304 kB\nMemFree: 1024 kB\nMemAvailable: 2097152 kB\n")
    return tmp_path


def test_what_the_kernel_tells(proc: Path) -> None:
    view = read_system(proc / "not" / "there" / "yet", proc)
    assert view.uptime_s == 66277
    assert view.processors == ((2394.454, "Example CPU @ 2.40GHz"), (1200.0, "Example CPU @ 2.40GHz"))
    assert (view.ram_total_mib, view.ram_free_mib) == (4096, 2048)
    assert view.recording_path.endswith("not/there/yet")


def test_the_disk_is_the_one_the_path_is_on(proc: Path) -> None:
    disk = os.statvfs(proc)
    view = read_system(proc, proc)
    assert view.disk_total_mib == disk.f_blocks * disk.f_frsize >> 20
    assert 0 <= view.disk_free_mib <= view.disk_total_mib


def test_processors_that_do_not_tell_their_speed(proc: Path) -> None:
    (proc / "cpuinfo").write_text("processor\t: 0\nBogoMIPS\t: 108.00\n\nprocessor\t: 1\n\nHardware\t: Example\n")
    assert [speed for speed, model in read_system(proc, proc).processors if model] == [0.0, 0.0]


def test_an_old_kernel_without_available_memory(proc: Path) -> None:
    (proc / "meminfo").write_text("MemTotal: 4194304 kB\nMemFree: 1048576 kB\n")
    assert read_system(proc, proc).ram_free_mib == 1024


def test_this_machine() -> None:
    view = read_system(Path("/"))
    assert view.uptime_s > 0
    assert len(view.processors) == os.cpu_count()
    assert 0 < view.ram_free_mib < view.ram_total_mib
