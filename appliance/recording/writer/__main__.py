"""The writer process: ``python -m appliance.recording.writer <fd> <json>``.

Turns once a second, and looks at single sessions when the core asks. When the core is gone it ends at once: its
position stands in the files. Exit codes: 0 asked to end, or the core is gone; 75 another writer works on the spool.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
from typing import Final, final

import pydantic

from appliance.capture.pipe import ChildPipe
from appliance.capture.process import OUTPUT_FORMAT
from appliance.capture.protocol import Alive, Look, Ready, Shutdown, WriterCommand
from appliance.clock import monotonic_s
from appliance.recording.writer.engine import Engine, Outcome
from appliance.recording.writer.options import WriterOptions
from appliance.spool.layout import Spool
from appliance.spool.lock import FileLock, LockHeldError

logger = logging.getLogger(__name__)

_HURRY_S: Final = 0.1
_LOCK_WAIT_S: Final = 10.0
_SHUTDOWN_S: Final = 4.0
COMMANDS: Final[pydantic.TypeAdapter[WriterCommand]] = pydantic.TypeAdapter(WriterCommand)


@final
class Process:
    """Turns the engine and talks with the core."""

    def __init__(self, engine: Engine, pipe: ChildPipe[WriterCommand], turn_s: float) -> None:
        self._engine = engine
        self._pipe = pipe
        self._turn_s = turn_s
        self._shutting_down = False

    def run(self) -> None:
        """Work until the core asks to end, or is gone (EOFError)."""
        self._send(self._engine.recover(monotonic_s()))
        self._pipe.send(Ready(lines=[], pid=os.getpid()))
        turn_at_s = monotonic_s()
        while not self._shutting_down:
            now_s = monotonic_s()
            if now_s >= turn_at_s:
                self._turn(now_s)
                turn_at_s = max(turn_at_s + self._turn_s, now_s)
            self._look(self._wait(turn_at_s))
        self._finish_stopped()

    def _turn(self, now_s: float) -> None:
        self._send(self._engine.turn(now_s))
        self._pipe.send(self._engine.told(now_s, (monotonic_s() - now_s) * 1000))
        self._pipe.send(Alive())

    def _wait(self, until_s: float) -> set[str]:
        """Wait for the next turn or for word of the core; gives the sessions to look at now."""
        hurried = self._engine.ending()
        patience_s = max(0.0, until_s - monotonic_s())
        command = self._pipe.receive(min(patience_s, _HURRY_S) if hurried else patience_s)
        asked: set[str] = set()
        while command is not None:  # what came together is done together
            if isinstance(command, Look):
                asked.add(command.session)
            elif isinstance(command, Shutdown):
                self._shutting_down = True
            command = self._pipe.receive(0)
        return asked.union(hurried)

    def _look(self, sessions: set[str]) -> None:
        for session in sorted(sessions):
            self._send(self._engine.look(session, monotonic_s()))

    def _finish_stopped(self) -> None:
        """Before the end, finish what was stopped; what was not is for the next writer."""
        until_s = monotonic_s() + _SHUTDOWN_S
        self._turn(monotonic_s())
        while (ending := self._engine.ending()) and monotonic_s() < until_s:
            self._look(set(ending))
            self._pipe.receive(_HURRY_S)
        self._turn(monotonic_s())
        self._pipe.flush(1.0)

    def _send(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            self._pipe.send(outcome)


def main(fd: int, options: WriterOptions) -> int:
    """Run the process; gives its exit code."""
    logging.basicConfig(level=options.log_level, format=OUTPUT_FORMAT, stream=sys.stderr)
    # The core decides when the writer ends; a signal to the whole group must not end it before the last recording.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _allow_files()
    pipe = ChildPipe(fd, COMMANDS)
    spool = Spool(options.run_dir)
    spool.create()
    try:
        lock = FileLock.acquire(spool.writer_lock(), wait_s=_LOCK_WAIT_S)
    except LockHeldError:
        logger.error("another writer works on %s", spool.root)  # noqa: TRY400 - there is no more to tell
        return os.EX_TEMPFAIL
    engine = Engine(options)
    try:
        Process(engine, pipe, options.turn_s).run()
    except EOFError:
        logger.warning("the core is gone")
    finally:
        engine.close()
        lock.release()
    return os.EX_OK


def _allow_files() -> None:
    """A session takes up to six open files, and there may be hundreds."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), WriterOptions.model_validate_json(sys.argv[2])))
