"""Speak to the box that runs on this machine, through its control socket."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from appliance.errors import LinetapError, UnreachableError

SOCKET = "control.sock"
TIMEOUT_S = 10.0


def ask(run_dir: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request and give its answer.

    Raises UnreachableError if no box listens there, LinetapError with its words if it refuses.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.connect(str(run_dir / SOCKET))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
    except OSError as error:
        raise UnreachableError(f"no box answers at {run_dir / SOCKET}: {error}") from error
    if not line:
        raise UnreachableError(f"the box at {run_dir / SOCKET} gave no answer")
    answer: dict[str, Any] = json.loads(line)
    if not answer.get("ok"):
        raise LinetapError(str(answer.get("error", "refused")))
    return answer
