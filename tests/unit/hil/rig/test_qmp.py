from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hil.rig.errors import MachineError, MachineTimeoutError
from hil.rig.qmp import Qmp


@contextmanager
def answered(*answers: dict[str, Any]) -> Iterator[tuple[Qmp, list[dict[str, Any]]]]:
    """Speak to a far end that greets, and then answers each command with the next of ``answers``."""
    near, far = socket.socketpair()
    asked: list[dict[str, Any]] = []

    def answer() -> None:
        waiting = list(answers)
        far.sendall(b'{"QMP": {"version": {}}}\r\n')
        while data := far.recv(65536):
            asked.append(json.loads(data))
            reply = waiting.pop(0) if waiting and asked[-1]["execute"] != "qmp_capabilities" else {"return": {}}
            far.sendall(b'{"event": "RESUME"}\r\n' + json.dumps(reply).encode() + b"\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    qmp = Qmp(near)
    try:
        qmp.greet()
        yield qmp, asked
    finally:
        qmp.close()
        thread.join(10)
        far.close()


def test_it_leaves_the_negotiation_and_passes_arguments() -> None:
    with answered({"return": {"status": "running"}}) as (qmp, asked):
        assert qmp.execute("query-status", deep=True) == {"status": "running"}
    assert asked == [{"execute": "qmp_capabilities"}, {"execute": "query-status", "arguments": {"deep": True}}]


def test_a_refusal_is_an_error_with_its_reason() -> None:
    with (
        answered({"error": {"class": "GenericError", "desc": "no such device"}}) as (qmp, _),
        pytest.raises(MachineError, match="refused migrate: no such device"),
    ):
        qmp.execute("migrate")


def test_it_waits_for_a_status() -> None:
    states = ["setup", "active", "completed"]
    with answered(*({"return": {"status": state}} for state in states)) as (qmp, asked):
        assert qmp.wait_status("query-migrate", frozenset({"completed", "failed"}), 10) == "completed"
    assert len(asked) == 4


def test_a_status_that_never_comes_is_an_error() -> None:
    with answered() as (qmp, _), pytest.raises(MachineTimeoutError, match="query-status"):
        qmp.wait_status("query-status", frozenset({"paused"}), 0.1)


def test_an_end_without_a_greeting_is_an_error() -> None:
    near, far = socket.socketpair()
    far.close()
    qmp = Qmp(near)
    with pytest.raises(MachineError, match="gone"):
        qmp.greet()
    qmp.close()
