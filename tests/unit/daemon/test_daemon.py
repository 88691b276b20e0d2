"""What systemd is told."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import daemon


@pytest.fixture(params=["path", "abstract"])
def supervisor(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@linetap-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0", 1))
        listener.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listener


def test_ready_stopping_and_status_are_told(supervisor: socket.socket) -> None:
    daemon.ready("listening")
    assert supervisor.recv(4096) == b"READY=1\nSTATUS=listening"
    daemon.status("3 calls")
    assert supervisor.recv(4096) == b"STATUS=3 calls"
    daemon.stopping()
    assert supervisor.recv(4096).startswith(b"STOPPING=1\n")


async def test_the_watchdog_is_fed_until_it_is_cancelled(
    supervisor: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    feeding = asyncio.create_task(daemon.feed_watchdog())
    for _ in range(3):
        assert await asyncio.to_thread(supervisor.recv, 4096) == b"WATCHDOG=1"
    feeding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await feeding


@pytest.mark.parametrize(
    ("usec", "pid", "period_s"),
    [("30000000", "", 15.0), ("30000000", "1", None), ("", "", None), ("0", "", None), ("x", "", None)],
)
def test_the_period_is_half_of_what_systemd_waits(
    usec: str, pid: str, period_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    assert daemon.watchdog_period_s() == period_s


async def test_without_systemd_nothing_is_told_and_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    daemon.ready("x")
    await asyncio.wait_for(daemon.feed_watchdog(), 10)


def test_a_dead_supervisor_is_logged_and_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    with caplog.at_level(logging.WARNING):
        daemon.ready("x")
    assert "took no notification" in caplog.text
