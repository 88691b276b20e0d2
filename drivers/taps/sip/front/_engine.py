"""rtpengine before the media: it turns SRTP and codecs that PJSIP lacks (Opus) into plain G.711 for the workers."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

from drivers.contract import TapFailedError, TapOptionsError
from drivers.taps.sip._options import Options

_PORTS_A_CALL: Final = 12  # two streams, two sides, RTP and RTCP, and some that are not free again yet
_LEAST_PORTS: Final = 200
_END_S: Final = 3.0
_START_S: Final = 5.0
_STEP_S: Final = 0.05
_PING: Final = b"linetap d7:command4:pinge"
_ERRORS: Final = 3
_OFFER_S: Final = 60  # an offer that nobody answered gives its ports back
_LOCAL: Final = "127.0.0.1"
_LAST_PORT: Final = 65535
PID_FILE: Final = "rtpengine.pid"


def find_engine() -> str:
    """Give the installed program. Raises TapOptionsError where there is none."""
    program = shutil.which("rtpengine") or shutil.which("rtpengine", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        raise TapOptionsError('media = "rtpengine" needs the package rtpengine-daemon')
    return program


def last_port(options: Options, calls: int) -> int:
    """Last RTP port that it takes. Raises TapOptionsError where there is none so high."""
    last = options.rtpengine_ports + max(_LEAST_PORTS, _PORTS_A_CALL * calls)
    if last > _LAST_PORT:
        raise TapOptionsError(f"rtpengine_ports: {calls} calls need the ports up to {last}; the last is {_LAST_PORT}")
    return last


def wait_for_engine(options: Options, check: Callable[[], None] = lambda: None) -> None:
    """Wait until it can be asked: Kamailio does not look again for a while where it cannot.

    Raises TapFailedError when it does not answer in time, and what ``check`` raises.
    """
    end_s = time.monotonic() + _START_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(_STEP_S)
        while time.monotonic() < end_s:
            check()
            with contextlib.suppress(OSError):
                asking.sendto(_PING, (_LOCAL, options.engine_port))
                if b"pong" in asking.recv(1000):
                    return
                time.sleep(_STEP_S)
    raise TapFailedError("rtpengine does not answer")


@final
class Engine:
    """One run of rtpengine, controlled by Kamailio. Its parent's death ends it.

    What it says goes to our standard error, and so into the box's log.
    """

    def __init__(self, options: Options, folder: Path, calls: int) -> None:
        program, last = find_engine(), last_port(options, calls)
        with_us = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
        own = ["--foreground", "--log-stderr", "--no-log-timestamps", f"--log-level={_ERRORS}", "--table=-1"]
        own += [
            "--config-file=none",
            f"--pidfile={folder / PID_FILE}",
            "--delete-delay=0",
            f"--offer-timeout={_OFFER_S}",
        ]
        own += [f"--interface={options.host}", f"--listen-ng={_LOCAL}:{options.engine_port}"]
        own += [f"--port-min={options.rtpengine_ports}", f"--port-max={last}"]
        own += [f"--timeout={round(options.dead_call_s) + 1}", f"--silent-timeout={round(options.held_call_s) + 1}"]
        self._popen = subprocess.Popen(
            [*with_us, program, *own], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=folder
        )
        try:
            wait_for_engine(options, self.check)
        except TapFailedError:
            self.close()
            raise

    def check(self) -> None:
        """Raise :class:`TapFailedError` when it has ended."""
        code = self._popen.poll()
        if code is not None:
            raise TapFailedError(f"rtpengine ended with code {code}")

    def close(self) -> None:
        """End it: in good order first, then by force."""
        self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
