"""A SIP trunk behind its front, in worker processes."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from drivers.taps.sip import Options
from tests.wires.sip.conftest import Trunk, caller

__all__ = ["caller"]

SPAN = 20  # ports of one trunk: the front's, and two for each worker


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and shutil.which("kamailio", path="/usr/sbin:/usr/bin") is None:
            item.add_marker(pytest.mark.skip(reason="kamailio is not installed"))


def free_ports(span: int = SPAN) -> int:
    """Find a port such that it and those above it are free for UDP and TCP."""
    first = 18000 + os.getpid() % 40 * 50
    for port in itertools.chain(range(first, 20000, 50), range(18000, first, 50)):
        try:
            for offset in range(span):
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    with socket.socket(socket.AF_INET, kind) as probe:
                        probe.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        return port
    raise AssertionError("no free ports")


def front_folder(port: int) -> Path:
    """Where the trunk's front has its files."""
    base = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or tempfile.gettempdir()
    return Path(base) / f"linetap-front-trunk-{port}"


@asynccontextmanager
async def running(run_dir: Path, **options: Any) -> AsyncIterator[Trunk]:
    """Run a trunk with a front on free ports."""
    given = {"front": "kamailio", "port": free_ports(), "rtp_ports": 33000, **options}
    trunk = Trunk(Options(name="trunk", kind="sip", **given), run_dir)
    await trunk.tap.start()
    try:
        assert trunk.tap.status.workers_up == trunk.tap.status.workers, trunk.downs
        yield trunk
    finally:
        await trunk.tap.close()
        shutil.rmtree(front_folder(trunk.port), ignore_errors=True)  # it is kept for its certificate


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_trunk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Trunk]:
    port = free_ports()
    async with running(tmp_path_factory.mktemp("front"), calls=20, port=port, tls_port=port + 1) as trunk:
        yield trunk


@pytest_asyncio.fixture(loop_scope="module")
async def trunk(shared_trunk: Trunk) -> Trunk:
    """Five workers with twenty lines behind one front, all free, that told nothing yet."""
    return await shared_trunk.forget()


async def until(true: Any, timeout_s: float = 10) -> None:
    end_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end_s
        await asyncio.sleep(0.05)


def kamailios(trunk: Trunk) -> list[psutil.Process]:
    """Every process of the trunk's Kamailio, the first one first."""
    mark = f"linetap-front-trunk-{trunk.port}/kamailio.cfg"
    return [p for p in psutil.process_iter() if any(mark in a for a in _arguments(p))]


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
