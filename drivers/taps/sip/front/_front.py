"""The front as a worker of the tap: Kamailio, and the look-out for the workers behind it."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, final

from drivers.contract import CallRefused, Host, TapFailedError, TapOptionsError
from drivers.taps.sip._options import Options
from drivers.taps.sip._orphans import Orphans
from drivers.taps.sip._place import LOCAL
from drivers.taps.sip.front._configuration import Configuration
from drivers.taps.sip.front._engine import wait_for_engine
from drivers.taps.sip.front._folder import clear_folder, make_folder, place_certificate
from drivers.taps.sip.front._links import Links
from drivers.taps.sip.front._process import Process, end_strays
from drivers.taps.sip.front._program import Program
from drivers.taps.sip.front._rpc import Rpc, RpcError

logger = logging.getLogger(__name__)

_START_S: Final = 5.0
_WORKERS_S: Final = 5.0  # how long the first look waits for workers that start beside us
_STEP_S: Final = 0.05
_ASK_S: Final = 2.0
_MUTE_S: Final = 6.0


@final
class Front:
    """Runs Kamailio before the workers of ``options``, of which worker k holds ``shares[k]`` calls.

    When Kamailio ends, or does not answer, :meth:`poll` raises: the worker ends and is started again with a new one.
    """

    def __init__(self, options: Options, shares: Sequence[int]) -> None:
        self._options = options
        self._shares = shares
        self._folder: Path | None = None
        self._process: Process | None = None
        self._rpc: Rpc | None = None
        self._links: Links | None = None
        self._orphans: Orphans | None = None
        self._host: Host | None = None
        self._asked_s = self._answered_s = 0.0

    def open(self, host: Host) -> None:
        """Start Kamailio; returns when the workers that are up can be called. Raises TapError."""
        program = Program.find()
        if program is None:
            raise TapOptionsError('front = "kamailio" needs the package kamailio')
        if self._options.tls_port:
            program.need_tls()
        self._host = host
        self._folder = make_folder(self._options)
        if self._options.tls_port:
            place_certificate(self._options, self._folder)
        configuration = Configuration(self._options, program, self._folder, self._shares)
        end_strays(configuration.path)
        configuration.write()
        if self._options.media == "rtpengine":
            wait_for_engine(self._options)
        self._process = Process(program, configuration.path, self._tell)
        self._rpc = Rpc(self._folder)
        self._wait_for_answer()
        doors = [self._options.worker_port(worker) + 1 for worker in range(len(self._shares))]
        self._orphans = Orphans(self._folder, (LOCAL, self._options.inside_port))
        self._links = Links(doors, self._rpc, self._orphans)
        self._wait_for_workers()

    def poll(self) -> None:
        """Look after Kamailio and the workers. Raises TapFailedError when Kamailio is gone or mute."""
        if self._process is None or self._rpc is None or self._links is None:
            raise TapFailedError("the front is not open")
        self._process.check()
        now_s = time.monotonic()
        try:
            self._links.look()
            if now_s - self._asked_s >= _ASK_S:
                self._asked_s = now_s
                self._rpc.call("core.uptime")
                self._answered_s = now_s
        except RpcError as error:
            logger.warning("kamailio does not do as it is told: %s", error)
            if now_s - self._answered_s >= _MUTE_S:
                raise TapFailedError(f"kamailio does not answer: {error}") from error

    def health(self, trouble: str) -> None:
        """Answer OPTIONS by 503 while there is ``trouble``."""
        if self._rpc is None:
            return
        try:
            self._rpc.call("htable.sets", "health", "trouble", trouble)
        except RpcError as error:
            logger.warning("kamailio does not take the box's health: %s", error)

    def close(self) -> None:
        """End Kamailio. Its calls go on as far as their workers do; an own certificate and their ledgers are kept."""
        if self._links is not None:
            self._links.close()
        if self._orphans is not None:
            self._orphans.close()
        if self._rpc is not None:
            self._rpc.close()
        if self._process is not None:
            self._process.close()
        if self._folder is not None and not self._options.tls_port:
            clear_folder(self._folder)

    def _wait_for_answer(self) -> None:
        assert self._process is not None
        assert self._rpc is not None
        end_s = time.monotonic() + _START_S
        while True:
            self._process.check()
            try:
                self._rpc.call("core.uptime")
            except RpcError as error:
                if time.monotonic() > end_s:
                    raise TapFailedError(f"kamailio does not start: {error}") from error
                time.sleep(_STEP_S)
                continue
            self._asked_s = self._answered_s = time.monotonic()
            return

    def _wait_for_workers(self) -> None:
        assert self._links is not None
        end_s = time.monotonic() + _WORKERS_S
        while self._links.up < len(self._shares) and time.monotonic() < end_s:
            self.poll()
            time.sleep(_STEP_S)

    def _tell(self, mark: str) -> None:
        """Take a line of Kamailio's routing: ``refused CODE REASON`` or ``stranger ADDRESS``."""
        word, _, rest = mark.partition(" ")
        if word == "refused" and self._host is not None:
            code, _, reason = rest.partition(" ")
            self._host.emit(CallRefused(code=int(code), reason=reason.strip()))
        else:
            logger.warning("%s: turned away %s", self._options.name, mark)
