from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.taps.sip._farewell import Farewell, next_hop, sent_from
from drivers.taps.sip._ledger import PAGE, PATTERN, Ledger, read_ledger, worker_of
from drivers.taps.sip._message import Message
from drivers.taps.sip._orphans import Orphans


def invite(number: int, **headers: str) -> Message:
    lines = {
        "Record-Route": "<sip:127.0.0.1:5062;r2=on;lr>",
        "record-route": "<sip:10.0.0.1:5060;r2=on;lr>, <sip:proxy.test;lr>",
        "From": f'"A, <B>" <sip:4711@pbx.test>;tag=far{number}',
        "To": "<sip:5003@10.0.0.1>",
        "Call-ID": f"call{number}@pbx.test",
        "CSeq": "1 INVITE",
        "Contact": "<sip:4711@192.0.2.7:5070;transport=tcp>;+sip.src",
        **headers,
    }
    return read("INVITE sip:5003@10.0.0.1 SIP/2.0", lines)


def ack(number: int) -> Message:
    ends = {"From": f"<sip:4711@pbx.test>;tag=far{number}", "To": "<sip:5003@10.0.0.1>;tag=near"}
    return read("ACK sip:127.0.0.1:5064 SIP/2.0", {**ends, "Call-ID": f"call{number}@pbx.test"})


def read(first: str, headers: dict[str, str]) -> Message:
    lines = [first, *(f"{name}: {value}" for name, value in headers.items())]
    return Message.read(("\r\n".join(lines) + "\r\n\r\n").encode())


def noted(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in folder.glob(PATTERN):
        with path.open("rb") as file:
            found |= read_ledger(file.fileno())
    return found


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path, 3, 2)
    made.open()
    yield made
    made.close()


def test_the_bye_of_a_call_that_came_goes_the_way_back() -> None:
    bye = Message.read(sent_from(Farewell.of_call(invite(1), ack(1)).text(), "127.0.0.1", 9))
    assert (bye.method, bye.request_uri) == ("BYE", "sip:4711@192.0.2.7:5070;transport=tcp")
    assert bye.all("route") == ("<sip:127.0.0.1:5062;r2=on;lr>", "<sip:10.0.0.1:5060;r2=on;lr>, <sip:proxy.test;lr>")
    assert (bye.from_tag, bye.to_tag, bye.call_id) == ("near", "far1", "call1@pbx.test")
    assert bye.header("via").startswith("SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK")


def test_the_bye_of_a_call_that_we_placed_goes_its_routes_backwards() -> None:
    routes = {"Record-Route": "<sip:far.test;lr>, <sip:10.0.0.1;lr>", "record-route": "<sip:127.0.0.1:5062;lr>"}
    ends = {"From": "<sip:us>;tag=near", "To": "<sip:them>;tag=far", "Call-ID": "c", "m": "sip:them@192.0.2.9;x=1"}
    bye = Message.read(Farewell.of_answer(read("SIP/2.0 200 OK", {**routes, **ends})).text().encode())
    assert bye.all("route") == ("<sip:127.0.0.1:5062;lr>", "<sip:10.0.0.1;lr>", "<sip:far.test;lr>")
    assert (bye.request_uri, bye.from_tag, bye.to_tag) == ("sip:them@192.0.2.9", "near", "far")


def test_calls_are_noted_once_they_are_up_and_struck_out_when_they_end(tmp_path: Path, ledger: Ledger) -> None:
    for number in (1, 2):
        ledger.came(invite(number))
    assert not noted(tmp_path)
    for number in (1, 2, 3):  # nobody has heard of the third
        ledger.confirmed(ack(number))
    assert noted(tmp_path).keys() == {"call1@pbx.test", "call2@pbx.test"}
    ledger.keep({"call2@pbx.test"})
    assert noted(tmp_path).keys() == {"call2@pbx.test"}
    ledger.came(invite(4))
    ledger.confirmed(ack(4))
    assert noted(tmp_path).keys() == {"call2@pbx.test", "call4@pbx.test"}
    assert next(iter(tmp_path.glob(PATTERN))).stat().st_size == 2 * PAGE


def test_a_far_end_that_moves_is_found_where_it_is(tmp_path: Path, ledger: Ledger) -> None:
    ledger.came(invite(1))
    ledger.confirmed(ack(1))
    ledger.moved(invite(1, Contact="<sip:new@192.0.2.8>"))
    ledger.moved(invite(2))
    assert [text.split(" ", 2)[1] for text in noted(tmp_path).values()] == ["sip:new@192.0.2.8"]


def test_a_call_that_cannot_be_noted_costs_nothing(tmp_path: Path, ledger: Ledger) -> None:
    for number, wrong in enumerate(
        ({"Contact": ""}, {"Record-Route": "<sip:" + "x" * PAGE + ">"}, {"From": "<sip:x>"})
    ):
        ledger.came(invite(number, **wrong))
        ledger.confirmed(ack(number))
    assert not noted(tmp_path)
    for number in range(10, 13):  # one more than it has pages
        ledger.came(invite(number))
        ledger.confirmed(ack(number))
    assert len(noted(tmp_path)) == 2


def test_a_ledger_without_calls_goes_with_its_worker(tmp_path: Path) -> None:
    for calls in ([], [1]):
        folder = tmp_path / str(len(calls))
        folder.mkdir()
        made = Ledger(folder, 0, 4)
        made.open()
        for number in calls:
            made.came(invite(number))
            made.confirmed(ack(number))
        made.close()
        assert folder.exists() == bool(calls)
        assert len(noted(folder)) == len(calls)


@given(st.binary(max_size=3 * PAGE))
def test_a_ledger_of_rubbish_is_read(octets: bytes) -> None:
    file = os.memfd_create("ledger")
    try:
        os.write(file, octets)
        read_ledger(file)
    finally:
        os.close(file)


def test_whose_it_is() -> None:
    assert [worker_of(Path("/x") / name) for name in ("calls-12-ab", "calls-x-ab", "calls-1")] == [12, -1, -1]


def die(folder: Path, worker: int, *numbers: int) -> None:
    """Leave what a killed worker leaves."""
    made = Ledger(folder, worker, 4)
    made.open()
    for number in numbers:
        made.came(invite(number))
        made.confirmed(ack(number))
    os.close(made._file)
    made._file = -1


@pytest.fixture
def front() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(5)
        yield made


def test_the_calls_of_the_dead_are_ended_and_those_of_the_living_go_on(
    tmp_path: Path, ledger: Ledger, front: socket.socket
) -> None:
    ledger.came(invite(1))
    ledger.confirmed(ack(1))
    die(tmp_path, 0, 2, 3)
    orphans = Orphans(tmp_path, front.getsockname())
    assert orphans.alive(3) == {"call1@pbx.test"}
    assert orphans.of(3) == frozenset()  # its connection ended, but it lives
    assert orphans.of(0) == {"call2@pbx.test", "call3@pbx.test"}
    assert orphans.alive(0) == frozenset()
    for _ in range(2):
        octets, sender = front.recvfrom(PAGE)
        bye = Message.read(octets)
        assert bye.method == "BYE"
        front.sendto(f"SIP/2.0 200 OK\r\nCall-ID: {bye.call_id}\r\nCSeq: 1000000 BYE\r\n\r\n".encode(), sender)
    end_s = time.monotonic() + 5
    while len(list(tmp_path.glob(PATTERN))) > 1 and time.monotonic() < end_s:
        orphans.look()
        time.sleep(0.01)
    assert noted(tmp_path).keys() == {"call1@pbx.test"}
    orphans.close()


def test_a_bye_is_repeated_and_left_to_the_next_front(tmp_path: Path, front: socket.socket) -> None:
    die(tmp_path, 0, 2)
    branches = []
    for _ in range(2):  # fronts, one after the other
        orphans = Orphans(tmp_path, front.getsockname())
        for _ in range(2):
            orphans.look()
            end_s = time.monotonic() + 0.6
            while time.monotonic() < end_s:
                orphans.look()
                time.sleep(0.05)
            branches.append(Message.read(front.recv(PAGE)).header("via"))
        orphans.close()
    assert branches[0] == branches[1] != branches[2]
    assert noted(tmp_path)


@pytest.mark.parametrize(
    ("routes", "target", "hop"),
    [
        ([], "sip:a@192.0.2.1:5070;ob", ("192.0.2.1", 5070)),
        ([], "SIP:192.0.2.1", ("192.0.2.1", 5060)),
        ([], "sip:a@192.0.2.1;transport=udp", ("192.0.2.1", 5060)),
        (["<sip:192.0.2.9;lr>, <sip:192.0.2.8;lr>", "<sip:192.0.2.7>"], "sip:a@192.0.2.1", ("192.0.2.9", 5060)),
        ([], "sip:a@192.0.2.1:5070;transport=TCP", None),
        (["<sip:proxy.test;lr>"], "sip:a@192.0.2.1", None),
        ([], "sips:a@192.0.2.1", None),
    ],
)
def test_where_a_bye_goes_without_a_front(routes: list[str], target: str, hop: tuple[str, int] | None) -> None:
    assert next_hop(Farewell("c", "<sip:a>;tag=1", "<sip:b>;tag=2", target, tuple(routes)).text()) == hop


def test_without_a_front_a_worker_ends_the_calls_of_the_one_before_it(tmp_path: Path, front: socket.socket) -> None:
    host, port = front.getsockname()
    for worker, transport in ((1, "udp"), (2, "udp"), (1, "tcp")):
        made = Ledger(tmp_path, worker, 4)
        made.open()
        made.came(
            invite(
                worker,
                **{"Contact": f"<sip:x@{host}:{port};transport={transport}>", "Record-Route": "", "record-route": ""},
            )
        )
        made.confirmed(ack(worker))
        os.close(made._file)
        made._file = -1
    orphans = Orphans(tmp_path, None, worker=1)
    orphans.look()
    octets, sender = front.recvfrom(PAGE)
    bye = Message.read(octets)
    assert (bye.method, bye.call_id) == ("BYE", "call1@pbx.test")
    front.sendto(f"SIP/2.0 481 Gone\r\nCall-ID: {bye.call_id}\r\n\r\n".encode(), sender)
    end_s = time.monotonic() + 5
    while len(list(tmp_path.glob(PATTERN))) > 1 and time.monotonic() < end_s:
        orphans.look()
        time.sleep(0.01)
    assert noted(tmp_path).keys() == {"call2@pbx.test"}
    orphans.close()
