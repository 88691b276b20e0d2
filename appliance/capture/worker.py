"""The child's side of a tap worker: serves one tap, or its share of it, until the core says so or is gone."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, final

from appliance.capture.pipe import ChildPipe
from appliance.capture.protocol import (
    SPENT_CODE,
    Alive,
    Command,
    Dial,
    Done,
    Emitted,
    HangUp,
    Health,
    Join,
    Play,
    Ready,
    Shutdown,
    Simulate,
    Start,
    Stop,
)
from appliance.clock import monotonic_s
from drivers.contract import (
    Line,
    LineFault,
    SessionSink,
    Tap,
    TapError,
    TapEvent,
    TapFailedError,
    TapOptionsError,
    TapSpentError,
)

logger = logging.getLogger(__name__)

_ALIVE_S: Final = 1.0


@final
class Worker:
    """Serves ``tap``; is its :class:`drivers.contract.Host`.

    ``lines`` are those of the plan. ``open_session(line, session)`` makes a session in the spool; an empty
    ``session`` takes a new name.
    """

    def __init__(
        self,
        tap: Tap,
        lines: Sequence[Line],
        pipe: ChildPipe[Command],
        open_session: Callable[[str, str], SessionSink],
    ) -> None:
        self._tap = tap
        self._lines = [line.name for line in lines]
        self._pipe = pipe
        self._open_session = open_session
        self._ending = False

    # --- what the tap gets (any thread) ---

    def emit(self, event: TapEvent) -> None:
        """Tell the core a fact."""
        self._pipe.send(Emitted.model_validate({"fact": event}))

    def session(self, line: str) -> SessionSink:
        """Begin a session that nobody asked for."""
        return self._open_session(line, "")

    # --- the main thread ---

    def end(self) -> None:
        """Let :meth:`run` come to its end; for a signal handler."""
        self._ending = True

    def run(self) -> int:
        """Open the tap and serve it; gives the exit code. Whatever happens, the tap is closed."""
        try:
            self._tap.open(self)
            self._pipe.send(Ready(lines=self._lines, pid=os.getpid()))
            self._serve()
        except EOFError:
            logger.warning("the core is gone")
        except TapSpentError as end:
            logger.info("a new worker takes over: %s", end)
            return SPENT_CODE
        except TapOptionsError as error:
            return self._failed(error, os.EX_CONFIG)
        except TapFailedError as error:
            return self._failed(error, os.EX_IOERR)
        except Exception:  # supervision of taps: whatever a driver raises ends its worker, and is told
            logger.exception("the tap failed in a way that its driver did not foresee")
            return os.EX_SOFTWARE
        finally:
            self._close()
        return os.EX_OK

    def _serve(self) -> None:
        poll_at_s = alive_at_s = monotonic_s()
        while not self._ending:
            now_s = monotonic_s()
            if now_s >= poll_at_s:
                self._tap.poll()
                poll_at_s = now_s + self._tap.poll_every_s
            if now_s >= alive_at_s:
                self._pipe.send(Alive(meter=self._tap.meter()))
                alive_at_s = now_s + _ALIVE_S
            command = self._pipe.receive(max(0.0, min(poll_at_s, alive_at_s) - monotonic_s()))
            if command is not None:
                self._pipe.send(self._carry_out(command))

    def _carry_out(self, command: Command) -> Done:
        try:
            self._do(command)
        except TapFailedError:
            raise
        except TapError as error:
            return Done(number=command.number, error=type(error).__name__, text=str(error))
        return Done(number=command.number)

    def _do(self, command: Command) -> None:
        match command:
            case Start():
                self._start(command)
            case Stop():
                self._tap.stop(command.line)
            case HangUp():
                self._tap.hang_up(command.line, command.reason)
            case Dial():
                self._tap.dial(command.line, command.phone, command.barge_code)
            case Join():
                self._tap.join(command.line, command.phone)
            case Play():
                self._tap.play(command.line, Path(command.file))
            case Simulate():
                self._tap.simulate(command.line, command.fault, command.amount)
            case Health():
                self._tap.health(command.trouble)
            case Shutdown():
                self._ending = True

    def _start(self, command: Start) -> None:
        try:
            sink = self._open_session(command.line, command.session)
        except OSError as error:
            raise TapError(f"no session can be opened in the spool: {error}") from error
        try:
            self._tap.start(command.line, sink)
        except TapError as error:
            sink.close(f"not started: {error}")
            raise

    def _failed(self, error: TapError, code: int) -> int:
        logger.error("%s: %s", type(error).__name__, error)
        self.emit(LineFault(text=str(error)))
        return code

    def _close(self) -> None:
        try:
            self._tap.close()
        except Exception:  # supervision of taps: the process ends in any case
            logger.exception("the tap could not be closed")
