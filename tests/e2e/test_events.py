"""Events of a real box: taken up again after a lost connection, a restart and a kill; and fifty clients at once."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Self

import pytest

from appliance.client import Client, EventClient, EventSeen
from appliance.errors import UnreachableError
from hil.child_box import HOST, ChildBox
from hil.event_log import EventLog
from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk
from tests.e2e.test_virtual_calls import ORDER

CLIENTS = 50
RECORDED = 12
CALLS = 4
LIVES = ("the first", "after a lost connection", "after a restart", "after a kill")


def take(events: EventClient, count: int) -> list[EventSeen]:
    return [events.next(10) for _ in range(count)]


def numbers(seen: list[EventSeen]) -> list[int]:
    return [event.sequence for event in seen if event.sequence is not None]


def test_a_subscriber_takes_up_again_after_a_lost_connection_a_restart_and_a_kill(make_box: Boxes) -> None:
    box = make_box([{"name": "lines", "kind": "virtual", "lines": 2}], schedules=[{"name": "some", "device_id": "r*"}])
    seen: list[EventSeen] = []
    for life in LIVES:
        with box.client() as client, box.events(SINCE=numbers(seen)[-1] if seen else 0) as events:
            assert events.answer.message == "OK", life
            seen += take(events, 6 if seen else 0)  # what happened while it was not there
            call(client, "d", life)
            seen += take(events, 2)
        with Desk(box) as desk:
            for device in ("x", "y", "z"):
                call(desk.client, device, life)
            desk.log.wait("CALLSTOP", "z")
        if life == "after a lost connection":
            box.restart()
        elif life == "after a restart":
            box.kill()
            box.wait_gone()
            box.start()
    assert numbers(seen) == sorted(set(numbers(seen)))
    told = [(event.data["DEVICEID"], event.event_type, event.data["USER4"]) for event in seen]
    calls = [(device, life) for life in LIVES for device in "dxyz"]
    assert told == [(device, kind, life) for device, life in calls for kind in ("CALLSTART", "CALLSTOP")][:-6]


def call(client: Client, device: str, life: str) -> None:
    """Begin a call and end it."""
    client.request({"TYPE": "CALLSTART", "DEVICEID": device, "USER4": life})
    client.request({"TYPE": "CALLSTOP", "DEVICEID": device})


def test_what_a_box_no_longer_keeps_is_told(make_box: Boxes) -> None:
    box = make_box([], schedules=[], events={"queue": 10, "keep": 10})
    with box.client() as client, box.events(SEQUENCE="Y") as events:
        for n in range(30):
            client.request({"TYPE": "CALLSTART", "DEVICEID": str(n)})
        begun = numbers(take(events, 30))
    with box.events(SINCE=begun[0]) as events:
        first, last = begun[1], begun[-11]
        assert events.answer.message == f"Events {first} to {last} are no longer kept"
        assert [events.answer.text(f"GAP/{name}SEQUENCE") for name in ("FIRST", "LAST")] == [str(first), str(last)]
        assert numbers(take(events, 10)) == begun[-10:]
    with pytest.raises(UnreachableError, match="SINCE is above"):
        box.events(SINCE=begun[-1] + 1)


# --- fifty clients ---------------------------------------------------------------------------------------------------


class Caller:
    """One client with calls of its own; every answer must be its own, too."""

    def __init__(self, box: ChildBox, number: int) -> None:
        self.device = f"{'rec' if number < RECORDED else 'dev'}-{number}"
        self._client = Client(HOST, box.api_port, timeout_s=20)
        self._ids = iter(range(number * 1000, (number + 1) * 1000))
        self.said: list[tuple[str, str]] = []

    def work(self) -> None:
        """Have all calls, one after the other."""
        for turn in range(CALLS):
            self._call(turn)

    def _call(self, turn: int) -> None:
        """Start, change and stop a call, and look at it between."""
        mark = f"{self.device}/{turn}"
        self._ask("CALLSTART", USER1=mark)
        (row,) = self._ask("DEVICESTATUS")
        assert (row["DEVICEID"], row["USER1"], row["STOPTIME"]) == (self.device, mark, "")
        self._ask("CALLUPDATE", USER2=f"{mark}!")
        (row,) = self._ask("DEVICESTATUS")
        assert (row["DEVICEID"], row["USER2"]) == (self.device, f"{mark}!")
        if self.device.startswith("rec"):
            time.sleep(0.5)  # so that there is something to record
        self._ask("CALLSTOP")
        self.said += [("CALLSTART", mark), ("CALLSTOP", mark)]

    def _ask(self, kind: str, **values: str) -> list[dict[str, str]]:
        number = next(self._ids)
        answer = self._client.request({"TYPE": kind, "REQUESTID": number, "DEVICEID": self.device, **values})
        assert (answer.text("REQUESTTYPE"), answer.text("REQUESTID"), answer.code) == (kind, str(number), 20)
        return answer.rows("DEVICES/DEVICE")

    def close(self) -> None:
        self._client.close()


class ComingBack:
    """A subscriber whose connection is lost again and again, and who takes up where it was."""

    def __init__(self, box: ChildBox) -> None:
        self._box = box
        self.seen: list[EventSeen] = []
        self.connections = 0
        with box.events(SEQUENCE="Y") as events:
            self._last = int(events.answer.text("SEQUENCE"))
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._done.is_set():
            assert self.connections < 1000
            self.connections += 1
            with self._box.events(SINCE=self._last) as events:
                for event in self._some(events):
                    assert event.sequence is not None
                    self.seen.append(event)
                    self._last = event.sequence

    def _some(self, events: EventClient) -> Iterator[EventSeen]:
        for _ in range(20):
            try:
                yield events.next(0.3)
            except TimeoutError:
                if self._done.is_set():
                    return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


def test_fifty_clients_at_once_and_no_answer_or_event_goes_astray(make_box: Boxes) -> None:
    taps = [{"name": "lines", "kind": "virtual", "lines": RECORDED}]
    box = make_box(taps, schedules=[{"name": "some", "device_id": "rec-*"}], recording={"holdback_s": 0})
    with ExitStack() as open_ones:
        plain = open_ones.enter_context(EventLog(box.events()))
        calls = open_ones.enter_context(EventLog(box.events("CALL", SEQUENCE="Y")))
        commands = EventClient(HOST, box.api_port, event_class="RECORD", more={"HEARTBEAT": 1})
        records = open_ones.enter_context(EventLog(commands))
        back = open_ones.enter_context(ComingBack(box))
        callers = [open_ones.enter_context(contextlib.closing(Caller(box, n))) for n in range(CLIENTS)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            for done in [pool.submit(caller.work) for caller in callers]:
                done.result(60)
        plain.wait_all("RECORDINGUPDATE", count=RECORDED * CALLS, timeout_s=30)
        plain.wait_all("CALLSTOP", count=CLIENTS * CALLS, timeout_s=10)
        records.wait_all("RECORDINGUPDATE", count=RECORDED * CALLS, timeout_s=10)
        calls.wait_all("CALLSTOP", count=CLIENTS * CALLS, timeout_s=10)
    everything = back.seen
    assert back.connections > 3
    for caller in callers:
        events = plain.of(caller.device)
        told = [(one.event_type, one.data["USER1"]) for one in events if one.event_class == "CALL"]
        assert told == caller.said
        if caller.device.startswith("rec"):
            check_order(events)
    assert whole(plain.all()) == whole(everything)
    assert numbers(everything) == sorted(set(numbers(everything)))
    assert whole(calls.all()) == [one for one in whole(everything) if one[0].startswith("CALL")]
    heard = [one for one in records.all() if one.event_class != "SYSTEM"]
    assert whole(heard) == [one for one in whole(everything) if one[0].startswith("RECORD")]


def whole(events: list[EventSeen]) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    return [(event.event_type, tuple(event.data.items())) for event in events]


def check_order(events: list[EventSeen]) -> None:
    """Each call's events come in the contract's order, whatever the next call of the device brings between."""
    starts = [event.event_type for event in events if event.event_type in ORDER[:3]]
    assert starts == ORDER[:3] * CALLS
    ends = [event for event in events if event.event_type in ORDER[3:]]
    ids = [event.data["RECORDID"] for event in ends if event.event_type == "RECORDINGSTOPPED"]
    assert len(set(ids)) == CALLS
    for record_id in ids:
        kinds = [event.event_type for event in ends if event.data["RECORDID"] == record_id]
        assert kinds == ["RECORDINGSTOPPED", "RECORDINGUPDATE"]
