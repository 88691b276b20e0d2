"""Who gets a place at PJSIP, and when it is free again."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from drivers.taps.sip.tcp._seats import OF_ONE, SEATS, Seats
from drivers.taps.sip.tcp._visitor import Seat, Visitor


@pytest.fixture
def end() -> Iterator[socket.socket]:
    with socket.socket() as made:
        yield made


def visitor(end: socket.socket, host: str, waits_s: float = 0.0, heard_s: float = 0.0) -> Visitor:
    found = Visitor(end, host, 1, heard_s)
    found.waits_s = waits_s
    return found


def seat(seats: Seats, of: Visitor) -> Seat:
    of.seat = Seat(of.host, of.socket, of)
    seats.taken.add(of.seat)
    return of.seat


def test_one_address_gets_half_of_them(end: socket.socket) -> None:
    seats = Seats()
    crowd = [visitor(end, "a", number) for number in range(SEATS)]
    for _ in range(OF_ONE):
        found = seats.next([one for one in crowd if one.seat is None], 0.0)
        assert found is not None
        seat(seats, found)
    assert [one.seat is not None for one in crowd] == [True] * OF_ONE + [False] * (SEATS - OF_ONE)
    assert seats.next(crowd, 0.0) is None
    other = visitor(end, "b", 99)
    assert seats.next([*crowd, other], 0.0) is other


def test_never_more_than_there_are_those_just_closed_among_them(end: socket.socket) -> None:
    seats = Seats()
    taken = [seat(seats, visitor(end, str(number))) for number in range(SEATS)]
    waiting = [visitor(end, "new")]
    assert seats.next(waiting, 10.0) is None
    seats.close(taken[0], 10.0)
    assert seats.next(waiting, 10.5) is None
    assert seats.next(waiting, 10.7) is waiting[0]


def test_quiet_ones_give_theirs_back_but_not_those_of_calls(end: socket.socket) -> None:
    seats = Seats()
    quiet, latest = visitor(end, "a", heard_s=1.0), visitor(end, "a", heard_s=9.9)
    calling = visitor(end, "a", heard_s=0.0)
    calling.calls.add("call")
    for one in (quiet, latest, calling):
        seat(seats, one).since_s = 9.0
    spare = list(seats.spare([visitor(end, "b"), visitor(end, "c")], 10.0))
    assert spare == [quiet.seat]
    assert list(seats.spare([], 10.0)) == []


def test_one_that_is_never_quiet_gives_its_own_back_in_turn(end: socket.socket) -> None:
    seats = Seats()
    busy = visitor(end, "a", heard_s=9.9)
    seat(seats, busy).since_s = 8.5
    assert list(seats.spare([visitor(end, "b")], 10.0)) == []
    assert list(seats.spare([visitor(end, "b")], 10.6)) == [busy.seat]


def test_as_many_as_wait_and_are_not_on_their_way_already(end: socket.socket) -> None:
    seats = Seats()
    for number in range(5):
        seat(seats, visitor(end, "a", heard_s=number))
    leaving = visitor(end, "a")
    seat(seats, leaving).leaving = True
    waiting = [visitor(end, "b"), visitor(end, "c"), visitor(end, "d")]
    found = list(seats.spare(waiting, 100.0))
    assert [one.visitor.heard_s for one in found if one.visitor] == [0.0, 1.0]
