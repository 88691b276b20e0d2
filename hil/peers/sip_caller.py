"""A real SIP peer that places calls: PJSIP, four calls a process, fed from WAV files or tones.

From a shell, facts as JSON lines, exit code 0 if every call was answered and ended well::

    python -m hil.peers.sip_caller --to sip:5001@127.0.0.1:5060 --stream tone:441 --stream tone:1013 --seconds 10

From Python, blocking (use a thread under asyncio)::

    with SipCaller([plan]) as caller:
        caller.wait("playing", timeout_s=5)
        caller.order("hang_up", 0)
        facts = caller.wait("ended", timeout_s=5)
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self, final

from appliance.audio import measure
from hil.peers.call_plan import CallPlan, EndpointPlan, Fact, Order
from hil.processes import end_or_kill

CALLS_A_PROCESS = 4  # the binding clamps to it
RATE_HZ = 8000
OVER = ("ended", "refused", "failed")
_FIRST_RTP_PORT = 26_000 + os.getpid() % 15 * 400  # below the ports that the kernel hands out
_RTP_PORTS = itertools.cycle(range(_FIRST_RTP_PORT, _FIRST_RTP_PORT + 400, 40))


@final
class CallFailedError(Exception):
    """A call did not get as far as was waited for; the text holds its facts."""


@final
class SipCaller:
    """Places the calls of the plans; a context manager that leaves no process behind."""

    def __init__(self, plans: Sequence[CallPlan], *, log_level: int = 0) -> None:
        self._plans = list(plans)
        self._log_level = log_level
        self._facts: list[Fact] = []
        self._change = threading.Condition()
        self._processes: list[subprocess.Popen[str]] = []
        self._owner: dict[int, subprocess.Popen[str]] = {}
        self._readers: list[threading.Thread] = []

    def start(self) -> None:
        """Start the processes; the calls begin as their plans say."""
        for begin in range(0, len(self._plans), CALLS_A_PROCESS):
            self._start_process(self._plans[begin : begin + CALLS_A_PROCESS])

    def _start_process(self, plans: list[CallPlan]) -> None:
        plan = EndpointPlan(calls=tuple(plans), rtp_port=next(_RTP_PORTS), log_level=self._log_level)
        process = subprocess.Popen(
            [sys.executable, "-m", "hil.peers.sip_endpoint", plan.model_dump_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        self._processes.append(process)
        self._owner.update({p.number: process for p in plans})
        reader = threading.Thread(target=self._read, args=(process, [p.number for p in plans]), daemon=True)
        self._readers.append(reader)
        reader.start()

    def _read(self, process: subprocess.Popen[str], calls: list[int]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):  # the library prints notes of its own
                self._add(Fact.model_validate_json(line))
        code = process.wait()
        for call in calls:
            if not any(f.call == call and f.event in OVER for f in self.facts()):
                details = {"reason": f"its process ended with {code}"}
                self._add(Fact(event="failed", call=call, at_s=time.monotonic(), details=details))

    def _add(self, fact: Fact) -> None:
        with self._change:
            self._facts.append(fact)
            self._change.notify_all()

    def facts(self) -> list[Fact]:
        """Everything that happened so far, in order."""
        with self._change:
            return list(self._facts)

    def wait(self, event: str, *, timeout_s: float, calls: Sequence[int] | None = None) -> dict[int, Fact]:
        """Wait until each call (default: all) has had the event; gives each one's latest of it.

        Raises CallFailedError when a call is over without it, and at the time-out.
        """
        wanted = [p.number for p in self._plans] if calls is None else list(calls)
        deadline_s = time.monotonic() + timeout_s
        with self._change:
            while True:
                found = {f.call: f for f in self._facts if f.event == event and f.call in wanted}
                missing = [n for n in wanted if n not in found]
                if not missing:
                    return found
                over = [f for f in self._facts if f.call in missing and f.event in OVER]
                if over:
                    raise CallFailedError(f"no {event!r} for call {over[0].call}: {over[0]}")
                if not self._change.wait(deadline_s - time.monotonic()):
                    raise CallFailedError(f"no {event!r} within {timeout_s} s for calls {missing}")

    def wait_over(self, *, timeout_s: float) -> dict[int, Fact]:
        """Wait until each call is over, well or not; gives its last fact. Raises CallFailedError at the time-out."""
        deadline_s = time.monotonic() + timeout_s
        with self._change:
            while True:
                over = {f.call: f for f in self._facts if f.event in OVER}
                if len(over) == len(self._plans):
                    return over
                if not self._change.wait(deadline_s - time.monotonic()):
                    raise CallFailedError(f"only calls {sorted(over)} were over within {timeout_s} s")

    def order(self, verb: Literal["hang_up", "hold", "resume"], call: int) -> None:
        """Tell a running call what to do; one that is over takes no notice."""
        stdin = self._owner[call].stdin
        assert stdin is not None
        stdin.write(Order(verb=verb, call=call).model_dump_json() + "\n")
        stdin.flush()

    def hang_up(self) -> None:
        """Hang all calls up."""
        for call in self._owner:
            self.order("hang_up", call)

    def close(self) -> None:
        """Hang up what still stands and end the processes; kills one that does not end within 3 s."""
        for process in self._processes:
            if process.stdin is not None and not process.stdin.closed:
                process.stdin.close()
        for process in self._processes:
            end_or_kill(process, 3)
        for reader, process in zip(self._readers, self._processes, strict=True):
            reader.join(3)
            if process.stdout is not None:
                process.stdout.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_tone(path: Path, frequency_hz: float, seconds: float, level_dbfs: float = -16.0) -> Path:
    """Write a tone as a WAV file that a call can carry; gives its path."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(measure.make_tone(frequency_hz, RATE_HZ, round(seconds * RATE_HZ), level_dbfs).tobytes())
    return path


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Place SIP calls with PJSIP; facts come as JSON lines.")
    parser.add_argument("--to", action="append", required=True, help="SIP URI; {n} is the call; several take turns")
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--stream", action="append", help="tone:HZ or file:PATH, one a stream (default tone:441)")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the calls; of tones too")
    parser.add_argument("--header", action="append", default=[], help="NAME: VALUE; {n} is the call's number")
    parser.add_argument("--from-user", default="caller")
    parser.add_argument("--codec", default="PCMU")
    parser.add_argument("--stagger", type=float, default=0.05, help="seconds between the beginnings of two calls")
    parser.add_argument("--hold-after", type=float)
    parser.add_argument("--resume-after", type=float)
    parser.add_argument("--log-level", type=int, default=0)
    return parser.parse_args()


def _plan_calls(arguments: argparse.Namespace, folder: Path) -> list[CallPlan]:
    sounds = []
    for number, stream in enumerate(arguments.stream or ["tone:441"]):
        kind, _, value = stream.partition(":")
        tone = folder / f"{number}.wav"
        sounds.append(str(write_tone(tone, float(value), arguments.seconds)) if kind == "tone" else value)
    headers = dict(h.split(":", 1) for h in arguments.header)
    return [
        CallPlan(
            number=n,
            uri=arguments.to[n % len(arguments.to)].replace("{n}", str(n)),
            sounds=tuple(sounds),
            headers={k.strip(): v.strip().replace("{n}", str(n)) for k, v in headers.items()},
            from_user=arguments.from_user.replace("{n}", str(n)),
            codec=arguments.codec,
            duration_s=arguments.seconds,
            begin_after_s=n * arguments.stagger,
            hold_after_s=arguments.hold_after,
            resume_after_s=arguments.resume_after,
        )
        for n in range(arguments.calls)
    ]


def main() -> int:
    """Place the calls of the command line and print their facts."""
    arguments = _read_arguments()
    with tempfile.TemporaryDirectory(prefix="sip-caller-") as folder:
        plans = _plan_calls(arguments, Path(folder))
        with SipCaller(plans, log_level=arguments.log_level) as caller:
            last = caller.wait_over(timeout_s=arguments.seconds + plans[-1].begin_after_s + 40)
        for fact in caller.facts():
            print(fact.model_dump_json(), flush=True)  # noqa: T201 -- a program that prints
    return 0 if all(f.event == "ended" for f in last.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
