"""Start the box, play the day, and end both in good order."""

from __future__ import annotations

import collections
import dataclasses
import signal
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TextIO, final

from appliance import clock
from appliance.client import Answer, Client, EventSeen
from appliance.errors import UnreachableError
from appliance.simulate.day import Day
from appliance.simulate.plan import Act, end_of, plan_day, scale
from appliance.simulate.registry import registrations
from hil.child_box import HOST, BoxError, ChildBox
from hil.event_log import EventLog

_GOOD: Final = {0, 13, 20}
_KNOWN_ALREADY: Final = 22
_LOOK_S: Final = 0.1
_SAVING_S: Final = 8.0
_TOLD: Final = ("DEVICEID", "CHANNEL", "ERRORREASON", "RECORDID", "FILENAME")
_LENGTHS: Final = ("min_record_time_s", "max_record_time_s", "max_record_silence_s")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Ports:
    """Where the simulated box listens."""

    api: int = 5620
    events: int = 5621
    web: int = 2012


def simulate(day: Day, *, folder: Path, ports: Ports | None, speed: float, seed: int, once: bool, out: TextIO) -> int:
    """Play the day, again and again unless ``once``, until SIGINT or SIGTERM; gives the exit code.

    ``ports`` None takes free ones. Raises BoxError if the box cannot start or does not end as it should.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell may have left the first one ignored
        signal.signal(number, signal.default_int_handler)
    teller = _Teller(out)
    teller.say(f"simulator: {day.title}, {speed:g} times as fast, seed {seed}; the lines carry tones, nobody speaks")
    chosen = None if ports is None else _free(ports)
    taps = [{"name": "simulated", "kind": "virtual", "lines": day.lines}]
    schedules = [_shortened(schedule, speed) for schedule in day.schedules]
    sections = {"recording": {"reserve_mb": 50}}
    box = ChildBox(folder, taps=taps, schedules=schedules, sections=sections, ports=chosen, apart=True)
    try:
        with box:
            _at_the_box(box, day, teller, speed=speed, seed=seed, once=once)
    except KeyboardInterrupt:
        teller.say("simulator: stopped")
    recordings = sum(1 for _ in box.recording_path.rglob("*.wav"))
    teller.say(f"simulator: the box has ended; {recordings} recordings in {box.recording_path}, log in {box.log_path}")
    return 0


def _at_the_box(box: ChildBox, day: Day, teller: _Teller, *, speed: float, seed: int, once: bool) -> None:
    with box.client() as client, EventLog(box.events(), teller.event) as log:
        player = _Player(client, log, teller, speed)
        player.register(day)
        web = f"http://{HOST}:{box.web_port}/webAPI.aspx"
        where = f"commands {box.api_port}, events {box.events_port}, web {web}"
        teller.say(f"simulator: the box is ready at {HOST}: {where}; Ctrl-C ends it")
        try:
            while True:
                player.play(plan_day(day, seed), day.begins, day.ends)
                if once:
                    break
                seed += 1
                teller.say(f"simulator: the day is over; the next one has seed {seed}")
        except KeyboardInterrupt:
            teller.say("simulator: ending")
        except (UnreachableError, TimeoutError) as error:
            raise BoxError(f"{error}\n{box.log_tail()}") from error
        player.finish()


@final
class _Teller:
    """Prints what is done and what comes of it, each with the time of the simulated day."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._begun_s = clock.monotonic_s()
        self._begins_s = 0.0
        self._speed = 1.0

    def begin(self, begins_s: float, speed: float) -> None:
        """Begin a day."""
        self._begun_s, self._begins_s, self._speed = clock.monotonic_s(), begins_s, speed

    @property
    def day_s(self) -> float:
        """Time of the simulated day, in seconds since its midnight."""
        return self._begins_s + (clock.monotonic_s() - self._begun_s) * self._speed

    def say(self, text: str) -> None:
        """Print a line."""
        with self._lock:
            print(text, file=self._out, flush=True)

    def act(self, values: Mapping[str, str | int], answer: Answer) -> None:
        """Print a message and its answer."""
        told = " ".join(f"{name}={value}" for name, value in values.items() if name != "TYPE")
        self.say(f"simulator {self._time()}  -> {values['TYPE']} {told}  {answer.code} {answer.message}")

    def note(self, text: str) -> None:
        """Print what the script says."""
        self.say(f"simulator {self._time()}  {text}")

    def event(self, event: EventSeen) -> None:
        """Print an event as it comes."""
        data = "  ".join(f"{name}={event.data[name]}" for name in _TOLD if event.data.get(name))
        self.say(f"simulator {self._time()}     <- {event.event_type} {data}")

    def _time(self) -> str:
        minutes, seconds = divmod(int(self.day_s), 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


@final
class _Player:
    """Sends a day's messages when their time has come, and knows what has not ended."""

    def __init__(self, client: Client, log: EventLog, teller: _Teller, speed: float) -> None:
        self._client = client
        self._log = log
        self._teller = teller
        self._speed = speed
        self._open: dict[tuple[tuple[str, str | int], ...], Mapping[str, str | int]] = {}

    def register(self, day: Day) -> None:
        """Make agents, groups and the rest; what an earlier run made stays."""
        self._teller.begin(day.begins, 0)
        for values in registrations(day):
            answer = self._client.request(values)
            self._teller.act(values, answer)
            if answer.code not in _GOOD | {_KNOWN_ALREADY}:
                raise BoxError(f"{values['TYPE']} was answered with {answer.code} {answer.message}")

    def play(self, acts: list[Act], begins_s: float, ends_s: float) -> None:
        """Send everything in time, and end what is open at the end. Raises KeyboardInterrupt when a signal comes."""
        self._teller.begin(begins_s, self._speed)
        for act in acts:
            self._wait_until(act.at_s)
            if act.says:
                self._teller.note(act.says)
            self._send(scale(act.values, self._speed))
        self._wait_until(ends_s)
        self._end_all()

    def _wait_until(self, at_s: float) -> None:
        while (wait_s := (at_s - self._teller.day_s) / self._speed) > 0:
            time.sleep(min(wait_s, _LOOK_S))

    def _end_all(self) -> None:
        for values in list(self._open.values()):
            self._send(values)

    def finish(self) -> None:
        """End what has not ended, and wait until every recording is saved."""
        self._end_all()
        deadline_s = clock.monotonic_s() + _SAVING_S
        while self._unsaved() and clock.monotonic_s() < deadline_s:
            time.sleep(_LOOK_S)
        counts = collections.Counter(event.event_type for event in self._log.all())
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        self._teller.say(f"simulator: {told or 'no events'}")

    def _send(self, values: Mapping[str, str | int]) -> None:
        answer = self._client.request(values)
        self._teller.act(values, answer)
        end = end_of(values)
        if end is not None:
            self._open[tuple(end.items())] = end
        else:
            self._open.pop(tuple(values.items()), None)

    def _unsaved(self) -> bool:
        seen = self._log.all()
        begun = sum(event.data.get("ERRORREASON") == "NONE" for event in seen)  # RECORDINGSTARTED alone has it
        ended = {event.data["RECORDID"] for event in seen if event.event_type == "RECORDINGSTOPPED"}
        saved = {event.data["RECORDID"] for event in seen if event.event_type == "RECORDINGUPDATE"}
        return begun > len(ended) or not ended <= saved


def _shortened(schedule: Mapping[str, Any], speed: float) -> dict[str, Any]:
    """Shorten a schedule's lengths as the calls are."""
    lengths = {name: schedule[name] for name in _LENGTHS if isinstance(schedule.get(name), int)}
    return {**schedule, **{name: max(round(length / speed), 1) for name, length in lengths.items()}}


def _free(ports: Ports) -> tuple[int, int, int]:
    """Give the ports if all are free. Raises BoxError."""
    for port in (ports.api, ports.events, ports.web):
        try:
            socket.create_server((HOST, port)).close()
        except (OSError, OverflowError) as error:
            raise BoxError(f"port {port} cannot be had ({error}); --free-ports takes others") from error
    return ports.api, ports.events, ports.web
