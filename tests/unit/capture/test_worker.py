"""The worker's loop with taps that misbehave; the pipe and the spool are real."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from appliance.capture.host import COMMANDS, SpoolDoor
from appliance.capture.link import EVENTS
from appliance.capture.pipe import ChildPipe, decode, encode
from appliance.capture.protocol import (
    Alive,
    Command,
    Done,
    Emitted,
    HangUp,
    Ready,
    Shutdown,
    Simulate,
    Start,
    Stop,
    WorkerEvent,
)
from appliance.capture.worker import Worker
from appliance.spool.journal import read_all
from appliance.spool.layout import CAPTURE_FILE, Spool
from appliance.spool.lock import acquire_worker_lock
from appliance.spool.records import CaptureRecord, Closed, Opened
from drivers.contract import (
    CallRefused,
    Host,
    Line,
    LineBusyError,
    LineFault,
    LineMeter,
    LineUnknownError,
    SessionSink,
    Tap,
    TapFailedError,
    TapMeter,
    TapOptionsError,
    WorkerPlan,
)

LINES = (Line("0", 1, 8000), Line("1", 1, 8000))
RECORDS: TypeAdapter[CaptureRecord] = TypeAdapter(CaptureRecord)


class Odd(Tap):
    """A tap whose every verb can be made to fail."""

    def __init__(self) -> None:
        self.faults: dict[str, Exception] = {}
        self.calls: list[str] = []
        self.sinks: list[SessionSink] = []
        self.measured: TapMeter | None = None
        self.at_open: Callable[[Host], None] = lambda _: None

    @classmethod
    def plan(cls, options: Any) -> list[WorkerPlan]:
        raise NotImplementedError(options)

    def open(self, host: Host) -> None:
        self._do("open")
        self.at_open(host)

    def start(self, line: str, sink: SessionSink) -> None:
        self.sinks.append(sink)
        self._do(f"start {line}")

    def stop(self, line: str) -> None:
        self._do(f"stop {line}")

    def meter(self) -> TapMeter | None:
        return self.measured

    def close(self) -> None:
        self._do("close")
        for sink in self.sinks:
            sink.close("tap closed")

    def poll(self) -> None:
        self._do("poll")

    def _do(self, verb: str) -> None:
        self.calls.append(verb)
        if verb in self.faults:
            raise self.faults[verb]


class Bench:
    def __init__(self, run_dir: Path) -> None:
        self.spool = Spool(run_dir)
        self.lock = acquire_worker_lock(self.spool, "odd", 0)
        self.ours, theirs = socket.socketpair()
        self.pipe = ChildPipe(theirs.detach(), COMMANDS)
        self.tap = Odd()
        self.worker = Worker(self.tap, LINES, self.pipe, SpoolDoor(self.spool, "odd", self.lock))

    def run(self, *commands: Command) -> tuple[int, list[WorkerEvent]]:
        """Give the worker its commands beforehand, then the end of the pipe; give the exit code and its words."""
        self.ours.sendall(b"".join(encode(command) for command in commands))
        self.ours.shutdown(socket.SHUT_WR)
        code = self.worker.run()
        self.pipe.flush(1)
        self.pipe.close()
        said = b""
        with contextlib.suppress(ConnectionResetError):  # a worker that failed left commands unread
            while chunk := self.ours.recv(65536):
                said += chunk
        return code, [decode(EVENTS, line) for line in said.splitlines()]

    def session(self, name: str) -> list[CaptureRecord]:
        return read_all(self.spool.folder(name) / CAPTURE_FILE, RECORDS)


@pytest.fixture
def bench(run_dir: Path) -> Iterator[Bench]:
    made = Bench(run_dir)
    yield made
    made.lock.release()
    made.ours.close()
    made.pipe.close()


def test_what_the_tap_measures_goes_with_the_sign_of_life(bench: Bench) -> None:
    line = LineMeter(line="0", level_dbfs=(-20.5, -120), voice=True, session="s", quiet_s=1.5)
    bench.tap.measured = TapMeter(present=True, overruns=2, drift_ppm=-3.5, lines=(line,))
    _, said = bench.run(Shutdown(number=1))
    assert Alive(meter=bench.tap.measured) in said


def test_verbs_are_done_in_order_and_the_end_is_orderly(bench: Bench) -> None:
    code, said = bench.run(
        Start(number=1, line="0", session="20260101-a"), Stop(number=2, line="0"), Shutdown(number=3)
    )
    assert code == os.EX_OK
    assert said[0] == Ready(lines=["0", "1"], pid=os.getpid())
    assert [m for m in said if isinstance(m, Done)] == [Done(number=1), Done(number=2), Done(number=3)]
    assert Alive() in said
    assert [c for c in bench.tap.calls if c != "poll"] == ["open", "start 0", "stop 0", "close"]
    assert "poll" in bench.tap.calls
    records = bench.session("20260101-a")
    assert isinstance(records[0], Opened)
    assert (records[0].tap, records[0].line, records[0].lock) == ("odd", "0", str(bench.lock.path))


def test_the_end_of_the_pipe_closes_sessions_and_ends(bench: Bench) -> None:
    code, _ = bench.run(Start(number=1, line="0", session="20260101-a"))
    assert code == os.EX_OK
    assert bench.tap.calls[-1] == "close"
    assert isinstance(bench.session("20260101-a")[-1], Closed)


def test_a_refusal_is_answered_and_leaves_no_session_open(bench: Bench) -> None:
    bench.tap.faults = {"start 0": LineBusyError("taken"), "stop 9": LineUnknownError("no line 9")}
    code, said = bench.run(
        Start(number=1, line="0", session="20260101-a"),
        Stop(number=2, line="9"),
        HangUp(number=3, line="0", reason="x"),
        Simulate(number=4, line="0", fault="die", amount=0),
    )
    done = [m for m in said if isinstance(m, Done)]
    assert done[:2] == [
        Done(number=1, error="LineBusyError", text="taken"),
        Done(number=2, error="LineUnknownError", text="no line 9"),
    ]
    assert [(d.number, d.error) for d in done[2:]] == [(3, "TapError"), (4, "TapError")]
    end = bench.session("20260101-a")[-1]
    assert isinstance(end, Closed)
    assert "taken" in end.reason
    assert code == os.EX_OK


def test_a_session_that_cannot_be_opened_is_answered(bench: Bench) -> None:
    first, second = (Start(number=n, line=str(n), session="20260101-a") for n in (0, 1))
    _, said = bench.run(first, second)
    answer = next(m for m in said if isinstance(m, Done) and m.number == 1)
    assert answer.error == "TapError"
    assert "spool" in answer.text
    assert bench.tap.calls.count("start 1") == 0


@pytest.mark.parametrize(
    ("error", "code"), [(TapOptionsError("no card"), os.EX_CONFIG), (TapFailedError("card gone"), os.EX_IOERR)]
)
def test_a_tap_that_cannot_open_says_why(bench: Bench, error: Exception, code: int) -> None:
    bench.tap.faults = {"open": error}
    got, said = bench.run()
    assert got == code
    assert said == [Emitted(fact=LineFault(text=str(error)))]
    assert bench.tap.calls == ["open", "close"]


@pytest.mark.parametrize("verb", ["open", "poll", "start 0", "stop 0"])
def test_an_unforeseen_fault_ends_the_worker_with_a_trace(
    bench: Bench, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench.tap.faults = {verb: ZeroDivisionError("within the driver")}
    code, _ = bench.run(Start(number=1, line="0", session="20260101-a"), Stop(number=2, line="0"))
    assert code == os.EX_SOFTWARE
    assert bench.tap.calls[-1] == "close"
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert "within the driver" in caplog.text


def test_a_failed_device_ends_the_worker_from_a_verb_too(bench: Bench) -> None:
    bench.tap.faults = {"stop 0": TapFailedError("card gone")}
    code, said = bench.run(Stop(number=2, line="0"))
    assert code == os.EX_IOERR
    assert said[-1] == Emitted(fact=LineFault(text="card gone"))


def test_a_fault_in_close_is_logged(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.tap.faults = {"close": ZeroDivisionError("in close")}
    code, _ = bench.run()
    assert code == os.EX_OK
    assert "in close" in caplog.text


def test_nonsense_from_the_core_ends_the_worker(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.ours.sendall(b"nonsense\n")
    code, _ = bench.run()
    assert code == os.EX_SOFTWARE
    assert "no message" in caplog.text


def test_the_tap_gets_sessions_of_its_own_and_its_facts_come_out(bench: Bench) -> None:
    names = []

    def at_open(host: Host) -> None:
        sink = host.session("1")
        names.append(sink.session)
        sink.close("over")
        host.emit(CallRefused(code=486, reason="busy"))

    bench.tap.at_open = at_open
    _, said = bench.run()
    assert Emitted(fact=CallRefused(code=486, reason="busy")) in said
    opened = bench.session(names[0])[0]
    assert isinstance(opened, Opened)
    assert opened.line == "1"
    assert bench.spool.sessions() == names


def test_a_signal_handler_can_end_it(bench: Bench) -> None:
    bench.tap.at_open = lambda _: bench.worker.end()
    code = bench.worker.run()
    assert code == os.EX_OK
    assert bench.tap.calls == ["open", "close"]
