"""The process of a tap worker: ``python -m appliance.capture.host <fd> <json>``.

With ``--plan <json>`` in place of the descriptor it prints the kind's plan as one line of JSON and ends.

Exit codes: 0 asked to end, or the core is gone; 75 its time is served; 78 options that cannot work; 74 the device
failed; 70 a fault of the driver.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final, NoReturn, final

import pydantic

from appliance.capture.pipe import ChildPipe
from appliance.capture.planning import Question, answer
from appliance.capture.process import OUTPUT_FORMAT
from appliance.capture.protocol import Command, Emitted
from appliance.capture.worker import Worker
from appliance.spool.layout import Spool
from appliance.spool.lock import FileLock, acquire_worker_lock
from appliance.spool.sink import SpoolSession
from drivers.contract import LineFault, SessionSink, Tap, TapError, WorkerPlan
from drivers.registry import load

logger = logging.getLogger(__name__)

_FLUSH_S: Final = 1.0
COMMANDS: Final[pydantic.TypeAdapter[Command]] = pydantic.TypeAdapter(Command)


@final
class HostOptions(pydantic.BaseModel):
    """Argument of a tap worker."""

    model_config = pydantic.ConfigDict(frozen=True)
    run_dir: Path
    options: dict[str, Any]  # the tap's options, ``kind`` and ``name`` among them
    plan: WorkerPlan
    log_level: int = logging.INFO

    @property
    def tap(self) -> str:
        """Name of the tap."""
        return str(self.options["name"])


@final
class SpoolDoor:
    """Opens sessions in the spool for one worker."""

    def __init__(self, spool: Spool, tap: str, lock: FileLock) -> None:
        self._spool = spool
        self._tap = tap
        self._lock = lock

    def __call__(self, line: str, session: str) -> SessionSink:
        """Open ``session``, or a new one where it is empty. Raises OSError."""
        name = session or self._spool.new_session_id(self._tap, line)
        return SpoolSession(self._spool, name, self._tap, line, self._lock.path)


def serve(pipe: ChildPipe[Command], options: HostOptions) -> int:
    """Run the worker to its end; gives the exit code."""
    spool = Spool(options.run_dir)
    lock = acquire_worker_lock(spool, options.tap, options.plan.index)
    try:
        tap = build(options)
    except TapError as error:
        logger.error("%s: %s", type(error).__name__, error)  # noqa: TRY400 - the text says it, a trace would not add
        pipe.send(Emitted(fact=LineFault(text=str(error))))
        return os.EX_CONFIG
    worker = Worker(tap, options.plan.lines, pipe, SpoolDoor(spool, options.tap, lock))
    signal.signal(signal.SIGTERM, lambda *_: worker.end())
    return worker.run()


def build(options: HostOptions) -> Tap:
    """Load the kind and build the tap. Raises TapError."""
    kind = load(options.options["kind"])
    return kind(kind.Options.model_validate(options.options), options.plan)


def plan(question: Question) -> int:
    """Print the plan. What a library prints meanwhile goes to standard error."""
    answer_fd = os.dup(1)
    os.dup2(2, 1)
    os.write(answer_fd, answer(question).model_dump_json().encode() + b"\n")
    return os.EX_OK


def main() -> NoReturn:
    """Do what the arguments say. Ends without Python's tear-down, which crashes under live threads of C libraries."""
    faulthandler.enable()
    code = os.EX_SOFTWARE
    try:
        code = run(sys.argv[1], sys.argv[2])
    except Exception:  # supervision of taps: the process ends in any case, and its log says why
        logger.exception("the worker failed")
    logging.shutdown()
    os._exit(code)


def run(first: str, options: str) -> int:
    """Plan, or serve on the descriptor ``first``; gives the exit code."""
    if first == "--plan":
        logging.basicConfig(format=OUTPUT_FORMAT, level=logging.INFO)
        return plan(Question.model_validate_json(options))
    parsed = HostOptions.model_validate_json(options)
    logging.basicConfig(format=OUTPUT_FORMAT, level=parsed.log_level)
    os.set_blocking(2, False)  # a core that hangs reads no log: capture goes on all the same
    pipe = ChildPipe(int(first), COMMANDS)
    code = serve(pipe, parsed)
    pipe.flush(_FLUSH_S)
    return code


if __name__ == "__main__":
    main()
