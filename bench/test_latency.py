"""How long a TEST takes over one connection, idle and while calls are recorded, beside a bare asyncio echo.

Both servers are asked in turns by the same client in the same run, so that what the machine does meanwhile hits both.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from hil.child_box import ChildBox
from hil.latency import Figures, compare, echo_server, figures
from hil.load import run_load


def measure(calls: int, requests: int, echo_port: int) -> dict[str, Any]:
    """Measure at an idle box, then while calls are recorded."""
    with tempfile.TemporaryDirectory(prefix="linetap-bench-") as folder:
        taps = [{"name": "lines", "kind": "virtual", "lines": 1}]
        with ChildBox(Path(folder), taps=taps) as box:
            idle = _compared(box.api_port, echo_port, requests)
    with run_load(calls, seconds=30) as load:
        loaded = _compared(load.box.api_port, echo_port, requests)
        usage = load.measure(1.0)
    return {
        "calls": calls,
        "idle": idle,
        "recording": loaded,
        "machine_busy_percent": usage.machine_busy_percent,
        "median_under_1_ms": loaded["test"]["median_ms"] < 1,
    }


def _compared(api_port: int, echo_port: int, requests: int) -> dict[str, Figures]:
    return {name: figures(took_ms) for name, took_ms in compare(api_port, echo_port, requests).items()}


def main() -> int:
    """Run it; 0 if the median is below a millisecond while calls are recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    arguments = parser.parse_args()
    with echo_server() as echo_port:
        facts = measure(arguments.calls, arguments.requests, echo_port)
    for state in ("idle", "recording"):
        for name in ("test", "echo"):
            figures = facts[state][name]
            print(f"{state:10} {name:5} median {figures['median_ms']:.3f} ms, p99 {figures['p99_ms']:.3f} ms")
    if arguments.json:
        print(json.dumps(facts))
    return 0 if facts["median_under_1_ms"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
