"""Play one case against a box, over one transport."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import urllib.parse
from typing import Final, final

from appliance import clock
from appliance.client import encode
from appliance.conform.case import Case, Over, Step
from appliance.conform.difference import tell_difference
from appliance.conform.outcome import Outcome
from appliance.conform.template import Template, UnboundError, fill, fill_known
from appliance.conform.wire import Heard, Line, ask_web
from appliance.errors import UnreachableError

PAGE: Final = "/webAPI.aspx"
_NAME_CHARACTERS: Final = 100
_CODE: Final = re.compile(rb"<RESULTCODE>(\d+)</RESULTCODE>")
_UNDONE_CODES: Final = {20, 12, 13}
"""API_OK, and the two that tell that nothing is recorded any more."""


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Box:
    """Where a box is."""

    host: str
    api_port: int = 5620
    events_port: int = 5621
    web_port: int = 2012
    timeout_s: float = 10.0

    def line(self, port: int) -> Line:
        """Connect over TCP. Raises UnreachableError."""
        return Line(self.host, port, self.timeout_s)

    def look(self, *, web: bool, tcp: bool) -> None:
        """Connect to each port that is needed, and hang up. Raises UnreachableError."""
        ports = [self.api_port, self.events_port] if tcp else []
        for port in [*ports, *([self.web_port] if web else [])]:
            self.line(port).close()


class _DifferedError(Exception):
    """A step brought something else."""


class _SkippedError(Exception):
    """The box cannot play the case."""


@final
class Player:
    """Plays one case once. ``values`` are what placeholders stand for; they grow with what is kept."""

    def __init__(self, box: Box, case: Case, over: Over, values: dict[str, str]) -> None:
        self._box = box
        self._case = case
        self._over = over
        self._values = values
        self._line: Line | None = None
        self._listening: Line | None = None

    def play(self) -> Outcome:
        """Play the steps, then undo; never raises for what the box does."""
        begun_s = clock.monotonic_s()
        outcome = self._play_steps()
        self._hang_up()
        leaves = "" if outcome.verdict == "skipped" else self._case.leaves
        left = [fill_known(leaves, self._values)] if leaves else []
        for number, step in enumerate(self._case.undo, 1):
            at = f"undo {number}: {self._name_of(step)}"
            told, undone = self._undo(step)
            if told and outcome.verdict == "passed":
                outcome = dataclasses.replace(outcome, verdict="differed", at=at, told=told)
            if not undone:
                left.append(f"{at} had no effect")
        self._hang_up()
        return dataclasses.replace(outcome, left=tuple(left), seconds=clock.monotonic_s() - begun_s)

    def _play_steps(self) -> Outcome:
        at = "before step 1"
        try:
            self._listen()
            for number, step in enumerate(self._case.steps, 1):
                at = f"step {number}: {self._name_of(step)}"
                self._play_step(step)
        except _SkippedError as error:
            return Outcome(self._case, self._over, "skipped", at, str(error))
        except (_DifferedError, UnreachableError) as error:
            return Outcome(self._case, self._over, "differed", at, str(error))
        return Outcome(self._case, self._over, "passed")

    def _undo(self, step: Step) -> tuple[str, bool]:
        """Play a step of undo; gives what differed, and whether it did what it is there for."""
        try:
            heard = self._send(step)
        except UnboundError:
            return "", True  # nothing was made that would have to go
        except UnreachableError as error:
            return str(error), False
        if heard is None:
            return "", True
        undone = _code_of(heard) in _UNDONE_CODES
        try:
            self._judge(step, heard)
        except _DifferedError as error:
            return str(error), undone
        return "", undone

    def _listen(self) -> None:
        if not self._case.events:
            return
        self._listening = self._box.line(self._box.events_port)
        values = {"TYPE": "EVENTS", "REQUESTID": "0", "EVENTCLASS": self._case.events, "EVENTTYPE": ""}
        self._listening.send(encode(values))
        heard = self._listening.answer()
        if heard.note or b"<RESULTCODE>20</RESULTCODE>" not in heard.octets:
            raise _DifferedError(f"no subscription: {heard.note or heard.octets.decode('latin-1')}")

    def _play_step(self, step: Step) -> None:
        try:
            heard = self._send(step)
        except UnboundError as error:
            raise _DifferedError(f"no answer gave {error}") from error
        if heard is not None:
            self._judge(step, heard)
        if step.closed:
            end = self._connected().end()
            self._drop()
            if end.note:
                raise _DifferedError(end.note)
        if step.told:
            self._compare(step.told, self._connected().told(self._values["device"]))
        if step.event:
            if self._listening is None:
                raise _DifferedError("the case listens to no events")
            heard = self._listening.event(self._values["device"])
            if heard.note and step.skip:
                raise _SkippedError(step.skip)
            self._compare(step.event, heard)

    def _send(self, step: Step) -> Heard | None:
        """Send what the step sends; gives what came, None where nothing is waited for."""
        box = self._box
        if step.target:
            target, form = fill(step.target, self._values), fill(step.form, self._values).encode()
            return ask_web(box.host, box.web_port, box.timeout_s, step.method, target, form)
        if step.ask is not None:
            values = {name: fill(value, self._values) for name, value in step.ask.items()}
            if self._over == "http":
                query = urllib.parse.urlencode({name.lower(): value for name, value in values.items()})
                return ask_web(box.host, box.web_port, box.timeout_s, "GET", f"{PAGE}?{query}")
            self._connected().send(encode(values))
        elif step.send or step.half_close:
            octets = fill(step.send, self._values).encode(step.encoding)
            self._connected().send(octets, split=step.split, half_close=step.half_close)
        return self._connected().answer() if step.answer else None

    def _judge(self, step: Step, heard: Heard) -> None:
        code = _code_of(heard)
        if code in step.skip_codes:
            raise _SkippedError(f"{step.skip} ({code})")
        if (heard.status, heard.media_type) != (step.status, step.media_type):
            wanted = f"- HTTP {step.status} {step.media_type}\n+ HTTP {heard.status} {heard.media_type}"
            raise _DifferedError(f"{wanted}\n{heard.note}".strip())
        if step.answer:
            self._compare(step.answer, heard)
        elif heard.note:
            raise _DifferedError(heard.note)

    def _compare(self, text: str, heard: Heard) -> None:
        """Compare octet for octet, and keep values. Raises _DifferedError."""
        template = Template.of(text, self._values)
        kept = None if heard.note else template.match(heard.octets)
        if kept is None:
            raise _DifferedError(f"{heard.note}\n{tell_difference(template, heard.octets)}".strip("\n"))
        self._values |= kept

    def _connected(self) -> Line:
        if self._line is None:
            box = self._box
            self._line = box.line(box.events_port if self._case.port == "events" else box.api_port)
        return self._line

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _hang_up(self) -> None:
        self._drop()
        if self._listening is not None:
            with contextlib.suppress(OSError):
                self._listening.close()
            self._listening = None

    def _name_of(self, step: Step) -> str:
        """Say what a step sends, or else what it waits for, on one short line."""
        if step.ask is not None:
            sent = " ".join(f"{name}={value}" for name, value in step.ask.items())
        elif step.target:
            sent = f"{step.method} {step.target}"
        elif step.send:
            sent = ascii(step.send)
        else:
            sent = "the event" if step.event else "the answer" if step.answer else "the end of the connection"
        return fill_known(sent, self._values)[:_NAME_CHARACTERS]


def _code_of(heard: Heard) -> int | None:
    code = _CODE.search(heard.octets)
    return int(code[1]) if code else None
