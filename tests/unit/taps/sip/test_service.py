from __future__ import annotations

import mmap
import time

from drivers.taps.sip._service import Service, own_memory_mb


def test_the_service_is_over_by_age_and_workers_of_one_start_do_not_end_together() -> None:
    now_s = time.monotonic()
    first, fifth = Service(100, 0, 0), Service(100, 0, 4)
    assert first.over(now_s + 99) == ""
    assert first.over(now_s + 101) == "101 s old"
    assert fifth.over(now_s + 101) == ""
    assert fifth.over(now_s + 114) == "114 s old"


def test_the_service_is_over_by_memory_but_never_at_once() -> None:
    now_s = time.monotonic()
    service = Service(0, 150, 0)
    assert service.over(now_s + 1, 400) == ""
    assert service.over(now_s + 10, 149) == ""
    assert service.over(now_s + 10, 150) == "150 MB large"
    assert Service(0, 0, 0).over(now_s + 1e9, 1e6) == ""


def test_own_memory_grows_with_what_is_taken() -> None:
    before = own_memory_mb()
    with mmap.mmap(-1, 50_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as held:  # never memory used before
        held.write(b"x" * 50_000_000)
        assert own_memory_mb() - before > 40
