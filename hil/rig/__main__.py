"""``python -m hil.rig``: make the virtual rig, run a command in it, or run the tests that need it.

Ends with 0, with 1 where a test failed, with the command's own code, with 3 where the rig itself failed, or with 4
where this machine cannot have it: what it needs is missing, or could not be fetched.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hil.rig.cache import Cache, default_folder
from hil.rig.costs import Costs
from hil.rig.errors import RIG_FAILED, HostUnfitError, RigError
from hil.rig.image.host import find_host
from hil.rig.image.libraries import SOURCES
from hil.rig.qemu import Time
from hil.rig.rig import FEATURES, FEATURES_NAME, Rig
from hil.rig.suite import find_groups, run_groups


def main() -> int:
    """Read the command line and do it; gives the exit code."""
    options = _parser().parse_args()
    do: Callable[[argparse.Namespace, Costs], int] = options.do
    costs = Costs()
    try:
        return do(options, costs)
    except HostUnfitError as error:
        if getattr(options, "if_able", False):
            sys.stdout.write(f"rig: NOT RUN: this machine cannot have the rig: {error}\n")
            return 0
        sys.stderr.write(f"rig: {error}\n")
        return error.exit_code
    except (RigError, FileNotFoundError) as error:
        sys.stderr.write(f"rig: {error}\n")
        return RIG_FAILED
    finally:
        if costs.spent_s and not getattr(options, "quiet", False):
            sys.stderr.write(f"{costs.table()}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hil.rig", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--time", type=Time, choices=list(Time), default=Time.COUNTED, help="how it passes inside")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    able = verbs.add_parser("able", help="say whether this machine can make the rig")
    able.set_defaults(do=_able)
    build = verbs.add_parser("build", help="make image and snapshot, if they are not there")
    build.set_defaults(do=_build)
    run = verbs.add_parser("run", help="run a command inside, without a shell")
    run.add_argument("--timeout", type=float, default=600.0, metavar="S", help="by the machine's clock")
    run.add_argument("--quiet", action="store_true", help="do not print what it cost")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="COMMAND …")
    run.set_defaults(do=_run)
    test = verbs.add_parser("test", help="run tests inside, each file in a fresh machine")
    test.add_argument("-k", metavar="EXPRESSION", help="only tests whose names match")
    test.add_argument("--report", type=Path, metavar="FOLDER", help="put JUnit files there")
    test.add_argument("--at-once", type=int, choices=range(1, 9), default=1, metavar="N", help="machines at a time")
    test.add_argument(
        "--if-able", action="store_true", help="end with 0 where this machine cannot have the rig; tell it"
    )
    test.add_argument("paths", nargs="*", help="test files, folders or FILE::TEST")
    test.set_defaults(do=_test)
    clean = verbs.add_parser("clean", help="forget image and snapshots")
    clean.set_defaults(do=_clean)
    return parser


def _able(_: argparse.Namespace, __: Costs) -> int:
    find_host()
    return 0


def _build(options: argparse.Namespace, costs: Costs) -> int:
    Rig(Cache(default_folder()), options.time, costs)
    return 0


def _run(options: argparse.Namespace, costs: Costs) -> int:
    argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    if not argv:
        raise RigError("run needs a command")
    rig = Rig(Cache(default_folder()), options.time, costs)
    with rig.restore() as machine:
        rig.install(machine)
        with costs.measure("command"):
            done = machine.run(
                *argv,
                cwd=SOURCES,
                env={FEATURES_NAME: " ".join(FEATURES), "PYTHONPATH": SOURCES},
                timeout_s=options.timeout,
                hear_output=lambda data: _write(sys.stdout.buffer.write, data, sys.stdout.flush),
                hear_errors=lambda data: _write(sys.stderr.buffer.write, data, sys.stderr.flush),
            )
        costs.passed_inside("command", done.machine_s)
    return done.code if done.code >= 0 else 128 - done.code


def _write(write: Callable[[bytes], int], data: bytes, flush: Callable[[], None]) -> None:
    write(data)
    flush()


def _test(options: argparse.Namespace, costs: Costs) -> int:
    begin_s = time.monotonic()
    groups = find_groups(options.paths)
    words = ["-k", options.k] if options.k else []
    rig = Rig(Cache(default_folder()), options.time, costs)
    at_once = options.at_once if options.time is Time.COUNTED else 1  # a machine in real time wants the processors
    failed = [group.file for group in run_groups(rig, groups, words, options.report, costs, at_once=at_once)]
    sys.stdout.write(
        f"rig: {len(groups) - len(failed)} of {len(groups)} groups passed in {time.monotonic() - begin_s:.0f} s\n"
    )
    sys.stdout.writelines(f"rig: failed: {file}\n" for file in failed)
    return 1 if failed else 0


def _clean(_: argparse.Namespace, __: Costs) -> int:
    shutil.rmtree(default_folder(), ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
