"""``python -m hil.rig.proof --report DIR``: the rig suite inside the virtual rig, and its report brought out.

All that stands behind the options is for ``linetap hil run``. Ends with its exit code, with 3 where the rig failed, or
with 4 where this machine cannot have it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hil.rig.cache import Cache, default_folder
from hil.rig.costs import Costs
from hil.rig.errors import RigError
from hil.rig.image.libraries import PYTHON, SOURCES
from hil.rig.qemu import Time
from hil.rig.rig import Rig

RIG_FILE = f"{SOURCES}/hil/rigs/virtual.toml"
REPORT = "/run/rig-report"
FILES = ("report.html", "report.json", "junit.xml")
_MOST_S = 3600.0


def main() -> int:
    """Run it; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hil.rig.proof", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--report", type=Path, required=True, metavar="DIR", help="put the report there")
    parser.add_argument("--time", type=Time, choices=list(Time), default=Time.COUNTED, help="how it passes inside")
    options, words = parser.parse_known_args()
    costs = Costs()
    try:
        return prove(options.report, options.time, words, costs)
    except RigError as error:
        sys.stderr.write(f"rig: {error}\n")
        return error.exit_code
    finally:
        sys.stderr.write(f"{costs.table()}\n")


def prove(report: Path, passing: Time, words: list[str], costs: Costs) -> int:
    """Run the suite on all 32 lines, and fetch the report. Raises RigError."""
    rig = Rig(Cache(default_folder()), passing, costs)
    with rig.restore() as machine:
        rig.install(machine)
        command = (PYTHON, "-m", "appliance.cli", "hil", "run", "--rig", RIG_FILE, "--report", REPORT, *words)
        with costs.measure("rig suite"):
            done = machine.run(*command, cwd=SOURCES, timeout_s=_MOST_S, hear_output=_pass_on, hear_errors=_pass_on)
        costs.passed_inside("rig suite", done.machine_s)
        report.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            (report / name).write_bytes(machine.get(f"{REPORT}/{name}"))
    return done.code


def _pass_on(data: bytes) -> None:
    sys.stdout.write(data.decode(errors="replace"))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
