from __future__ import annotations

from drivers.taps.sip._handshake import Handshake


def test_an_invite_is_open_until_its_own_acknowledgement() -> None:
    handshake = Handshake()
    states = [handshake.is_open]
    handshake.invited("7 INVITE")
    for cseq in ("6 ACK", "7 ACK", "6 ACK"):
        assert handshake.confirmed(cseq) == []
        states.append(handshake.is_open)
    assert states == [False, True, False, False]


def test_what_waits_is_given_out_once() -> None:
    heard: list[str] = []
    handshake = Handshake()
    handshake.invited("1 INVITE")

    def act() -> None:
        heard.append("next")

    handshake.wait(act)
    for waiting in handshake.confirmed("1 ACK"):
        waiting()
    assert not handshake.give_up(act)
    assert handshake.confirmed("1 ACK") == []
    assert heard == ["next"]


def test_what_waited_in_vain_is_given_up() -> None:
    handshake = Handshake()
    handshake.invited("1 INVITE")
    handshake.wait(print)
    assert handshake.give_up(print)
    assert handshake.confirmed("1 ACK") == []


def test_a_number_that_is_none_opens_nothing() -> None:
    for cseq in ("", "x INVITE", "٣ INVITE"):
        handshake = Handshake()
        handshake.invited(cseq)
        assert not handshake.is_open
