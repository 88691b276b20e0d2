"""What is read out of the ways in which PBXs tell of a phone's calls."""

from __future__ import annotations

import pytest

from drivers.taps.sip._message import Message
from drivers.taps.sip._phone_calls import PhoneCalls, PhoneDialog
from tests.wires.sip.dialog_makes import KIND, NO_CALL, NOT_NAMED, TELLINGS, Telling, dialog, whole

UP = PhoneDialog("up@pbx", "mine", "theirs")


def notify(body: str, telling: Telling, *, length: int | None = None) -> Message:
    length = len(body.encode()) if length is None else length
    head = f"NOTIFY sip:box SIP/2.0\r\nEvent: dialog\r\nSubscription-State: {telling.state}"
    head += f"\r\nContent-Type: {telling.kind}"
    return Message.read(f"{head}\r\nContent-Length: {length}\r\n\r\n{body}".encode())


def told(*bodies: str, telling: Telling = Telling(())) -> PhoneCalls:  # noqa: B008 - a value
    calls = PhoneCalls("5003")
    for body in bodies:
        message = notify(body, telling)
        calls.take(message, message.body)
    return calls


@pytest.mark.parametrize("name", TELLINGS)
def test_the_call_that_a_make_tells_of(name: str) -> None:
    telling = TELLINGS[name]
    calls = told(*telling.bodies, telling=telling)
    assert calls.found == (None if telling.reason else UP)
    assert calls.settled
    if telling.reason:
        assert calls.reason == telling.reason
    assert UP.join == "up@pbx;to-tag=mine;from-tag=theirs"


def test_what_leaves_room_for_more_settles_nothing() -> None:
    for body in ("", whole(dialog("early"), state="partial"), whole()[:-20], "<presence/>", "no XML"):
        assert not told(body).settled, body
    assert not told(whole(), telling=Telling((), state="pending")).settled
    assert told(whole(dialog("early"), state="partial"), whole()).reason == NO_CALL


def test_a_call_that_ended_is_none_to_join() -> None:
    over = '<dialog id="d1"><state>terminated</state></dialog>'
    assert told(whole(dialog(), version=1), whole(over, version=2, state="partial")).found is None
    assert told(whole(dialog(), version=1), whole(version=2)).reason == NO_CALL


@pytest.mark.parametrize("bad", ["x&#13;&#10;Evil: 1", "up;x=1", "", "a b", "x" * 300])
def test_a_name_that_no_header_can_hold_is_none(bad: str) -> None:
    calls = told(whole(dialog(names=f'call-id="{bad}" local-tag="mine" remote-tag="theirs"')))
    assert (calls.found, calls.unnamed, calls.reason) == (None, True, NOT_NAMED)


def test_what_was_cut_says_so() -> None:
    body = whole(*(dialog("terminated", key=str(n)) for n in range(400)))
    calls = PhoneCalls("5003")
    calls.take(notify(body[:3000], Telling((), kind=KIND), length=len(body)), body[:3000])
    assert not calls.settled
    assert calls.reason == (
        f"what the PBX tells of its calls has {len(body)} octets, more than can be read without a front"
    )
    assert told(body[:3000]).reason == "what the PBX tells of its calls cannot be read to its end"
