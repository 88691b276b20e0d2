"""A real SIP phone that is called, or a small PBX with conferences: PJSIP in a process of its own.

From Python, blocking (use a thread under asyncio)::

    with SipPhone(user="5003", record="/tmp/heard.wav") as phone:
        port = phone.port
        phone.wait("answered", timeout_s=5)
        phone.hang_up()
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self, final

from hil.peers.phone_plan import PhoneFact, PhoneOrder, PhonePlan
from hil.processes import end_or_kill

_FIRST_RTP_PORT = 24_000 + os.getpid() % 15 * 120
_RTP_PORTS = itertools.cycle(range(_FIRST_RTP_PORT, _FIRST_RTP_PORT + 120, 40))


@final
class PhoneFailedError(Exception):
    """The phone did not get as far as was waited for; the text holds its facts."""


@final
class SipPhone:
    """The process of one peer; a context manager that leaves none behind."""

    def __init__(self, **plan: Any) -> None:
        self._plan = PhonePlan(**{"rtp_port": next(_RTP_PORTS), **plan})
        self._facts: list[PhoneFact] = []
        self._change = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self.port = 0

    def start(self) -> None:
        """Start the process, and wait until it listens."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hil.peers.sip_phone_process", self._plan.model_dump_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = int(self.wait("ready", timeout_s=15).details["port"])

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):  # the library prints notes of its own
                with self._change:
                    self._facts.append(PhoneFact.model_validate_json(line))
                    self._change.notify_all()

    def facts(self, event: str | None = None) -> list[PhoneFact]:
        """Everything that happened so far, or every such event, in order."""
        with self._change:
            return [fact for fact in self._facts if event in {None, fact.event}]

    def wait(self, event: str, *, timeout_s: float, count: int = 1) -> PhoneFact:
        """Wait for the event, or its ``count``-th; gives it. Raises PhoneFailedError at the time-out."""
        end_s = time.monotonic() + timeout_s
        with self._change:
            while True:
                found = [fact for fact in self._facts if fact.event == event]
                if len(found) >= count:
                    return found[count - 1]
                if not self._change.wait(end_s - time.monotonic()):
                    told = [(fact.event, fact.call) for fact in self._facts]
                    raise PhoneFailedError(f"{len(found)} of {count} {event!r} within {timeout_s} s: {told}")

    def hang_up(self, call: int = -1) -> None:
        """Hang up a call, or all."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(PhoneOrder(verb="hang_up", call=call).model_dump_json() + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """Hang up what still stands and end the process; kills one that does not end within 3 s."""
        if self._process is None or self._process.stdin is None:
            return
        if not self._process.stdin.closed:
            self._process.stdin.close()
        end_or_kill(self._process, 3)
        if self._reader is not None:
            self._reader.join(3)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
