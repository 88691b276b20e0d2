"""A core that runs one virtual tap until it is killed: ``python -m tests.unit.capture.core <run_dir>``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from appliance.capture.supervisor import TapSupervisor
from appliance.spool.layout import Spool
from drivers.taps.virtual import VirtualOptions


async def main(run_dir: Path) -> None:
    tap = TapSupervisor(
        VirtualOptions(name="v", kind="virtual", lines=2),
        run_dir,
        on_fact=lambda _: None,
        on_up=lambda _: None,
        on_down=lambda *_: None,
    )
    await tap.start()
    session = Spool(run_dir).new_session_id("v", "0")
    await tap.start_line("0", session)
    print(tap.pids()[0], session, flush=True)  # noqa: T201
    await tap.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
