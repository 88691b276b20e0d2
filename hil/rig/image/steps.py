"""Runs the programs that make an image, at low priority, each with its output in a log of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hil.rig.errors import BuildError, FetchError

NICE = 10
TAIL_LINES = 25
FETCH_S = 1800.0


def run(
    log_dir: Path, name: str, argv: Sequence[str | Path], *, cwd: Path | None = None, timeout_s: float = 600
) -> str:
    """Run a program to its end; gives its standard output. Raises BuildError with the end of what it printed.

    Its error output is kept in ``log_dir / name.log``.
    """
    words = ["nice", "-n", str(NICE), *map(str, argv)]
    log = log_dir / f"{name}.log"
    with log.open("wb") as errors:
        try:
            done = subprocess.run(
                words,
                cwd=cwd,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BuildError(f"{name} did not end within {timeout_s:.0f} s") from None
        except FileNotFoundError:
            raise BuildError(f"{name} needs the program {argv[0]}") from None
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        said = (output + log.read_text(errors="replace")).splitlines()[-TAIL_LINES:]
        raise BuildError("\n".join([f"{name} ended with {done.returncode}:", *said]))
    return output


def fetch(log_dir: Path, name: str, argv: Sequence[str | Path], *, cwd: Path | None = None) -> str:
    """Run a program that fetches from the network, as :func:`run`. Raises FetchError where it fails.

    It has longer than others: ten minutes were too few for mmdebstrap where eight other programs ran.
    """
    try:
        return run(log_dir, name, argv, cwd=cwd, timeout_s=FETCH_S)
    except BuildError as error:
        raise FetchError(f"what the rig is made from could not be fetched: {error}") from error


def _environment() -> Mapping[str, str]:
    return {
        **os.environ,
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
    }
