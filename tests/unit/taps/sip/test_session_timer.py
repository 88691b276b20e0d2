from __future__ import annotations

import pytest

from drivers.taps.sip._message import Message
from drivers.taps.sip._session_timer import SessionTimer, is_too_short


def request(*headers: str) -> Message:
    return Message.read("\r\n".join(["INVITE sip:box SIP/2.0", *headers, "", ""]).encode())


@pytest.mark.parametrize(
    ("headers", "end_s"),
    [
        (["Session-Expires: 90;refresher=uac"], 58.5),
        (["x: 1800 ; REFRESHER = UAC"], 1766.5),
        (["Session-Expires: 90", "Supported: replaces", "k: 100rel, Timer"], 58.5),
        (["Session-Expires: 90;refresher=uas"], None),  # ours to do
        (["Session-Expires: 90", "Supported: replaces"], None),  # of one that a proxy asks for, ours too
        (["Supported: timer"], None),
        (["Session-Expires: 20;refresher=uac"], None),  # refused with 422
        (["Session-Expires: soon"], None),
        (["Session-Expires: 99999999999999;refresher=uac"], None),
    ],
)
def test_when_a_call_that_is_not_refreshed_is_over(headers: list[str], end_s: float | None) -> None:
    timer = SessionTimer()
    timer.take(request(*headers), 1000.0)
    assert not timer.over(1000.0 + (end_s or 1e9) - 0.01)
    assert timer.over(1e12) == (end_s is not None)
    if end_s is not None:
        assert timer.over(1000.0 + end_s)


def test_a_refresh_begins_it_anew_and_who_refreshes_stays() -> None:
    timer = SessionTimer()
    timer.take(request("Session-Expires: 90;refresher=uac"), 0.0)
    timer.take(request("Session-Expires: 90"), 50.0)
    assert not timer.over(108.4)
    assert timer.over(108.5)
    timer.take(request("Session-Expires: 30;refresher=uas"), 60.0)  # refused: changes nothing
    assert timer.over(108.5)
    timer.take(request("Session-Expires: 90;refresher=uas"), 60.0)
    timer.take(request("Session-Expires: 90"), 61.0)
    assert not timer.over(1e9)


def test_a_request_without_the_header_ends_it() -> None:
    timer = SessionTimer()
    timer.take(request("Session-Expires: 90;refresher=uac"), 0.0)
    timer.take(request(), 10.0)
    assert not timer.over(1e9)


def test_what_is_too_short() -> None:
    assert is_too_short(request("Session-Expires: 89", "Supported: timer"))
    assert not is_too_short(request("Session-Expires: 90", "Supported: timer"))
    assert not is_too_short(request("Session-Expires: 20"))  # who does not know the standard is not refused by it
    assert not is_too_short(request("Supported: timer"))
