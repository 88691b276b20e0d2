from __future__ import annotations

import asyncio
import logging

import pytest

from appliance.bounded_log import BoundedLog

logger = logging.getLogger("test")


def flood(log: BoundedLog, count: int, kind: str = "k") -> None:
    for n in range(count):
        log.tell(logging.WARNING, kind, f"192.0.2.{n % 7}:{n}", f"{kind} {n}")


async def test_the_first_lines_are_whole_and_the_rest_is_summed_up(caplog: pytest.LogCaptureFixture) -> None:
    log = BoundedLog(logger, most=3, window_s=0.1)
    flood(log, 1000)
    assert [record.getMessage() for record in caplog.records] == ["k 0", "k 1", "k 2"]
    async with asyncio.timeout(10):
        while len(caplog.records) < 4:  # noqa: ASYNC110 - the loop's timer, seen only by looking
            await asyncio.sleep(0.02)
    told = caplog.records[3].getMessage()
    assert "k: 997 more within" in told
    assert "192.0.2.3 (143)" in told
    assert told.endswith("and 2 others")
    flood(log, 1)
    assert caplog.records[4].getMessage() == "k 0"


async def test_kinds_do_not_hide_each_other(caplog: pytest.LogCaptureFixture) -> None:
    log = BoundedLog(logger, most=1)
    flood(log, 5, "a")
    flood(log, 5, "b")
    assert [record.getMessage() for record in caplog.records] == ["a 0", "b 0"]
    log.close()
    assert [record.getMessage()[:9] for record in caplog.records[2:]] == ["a: 4 more", "b: 4 more"]


def test_without_a_loop_too(caplog: pytest.LogCaptureFixture) -> None:
    log = BoundedLog(logger, most=1, window_s=0)
    flood(log, 3)
    assert len(caplog.records) == 3


def test_endless_peers_take_bounded_memory() -> None:
    log = BoundedLog(logger, most=1)
    for n in range(20_000):
        log.tell(logging.INFO, "k", f"fd00::{n:x}", "x")
    (window,) = log._windows.values()
    assert len(window.untold) <= 1001
    assert window.untold.total() == 19_999
