from __future__ import annotations

from drivers.taps.sip._legs import Legs, Offered
from drivers.taps.sip._message import Message

ONE, TWO, THREE = Offered(0, "1"), Offered(1, "2"), Offered(2, "3")


def nobody(_: str) -> None:
    return None


def test_a_stream_keeps_its_leg() -> None:
    legs = Legs(nobody)
    assert legs.assign([ONE, TWO]) == {0: ONE, 1: TWO}
    assert legs.assign([TWO]) == {1: TWO}
    assert legs.assign([ONE, TWO]) == {0: ONE, 1: TWO}


def test_what_begins_second_is_second() -> None:
    assert Legs(nobody).assign([Offered(1)]) == {1: Offered(1)}


def test_a_label_in_another_place_goes_on_where_it_was() -> None:
    legs = Legs(nobody)
    legs.assign([ONE, TWO])
    back = Offered(2, "1")
    assert legs.assign([TWO, back]) == {0: back, 1: TWO}
    assert legs.assign([Offered(0, "2")]) == {1: Offered(0, "2")}


def test_a_new_stream_takes_the_leg_that_is_free() -> None:
    legs = Legs(nobody)
    legs.assign([ONE, TWO])
    assert legs.assign([TWO, THREE]) == {0: THREE, 1: TWO}
    assert legs.assign([ONE, THREE]) == {0: ONE, 1: THREE}
    assert len(legs.assign([ONE, TWO, THREE])) == 2


def test_a_new_stream_takes_the_leg_of_its_party() -> None:
    legs = Legs({"2": 0, "9": 1}.get)
    assert legs.assign([TWO]) == {0: TWO}
    assert legs.assign([TWO, Offered(5, "9")]) == {0: TWO, 1: Offered(5, "9")}


def test_streams_without_labels_are_known_by_their_place() -> None:
    legs = Legs(nobody)
    assert legs.assign([Offered(0), Offered(1)]) == {0: Offered(0), 1: Offered(1)}
    assert legs.assign([Offered(1)]) == {1: Offered(1)}


def test_a_call_whose_audio_is_not_the_first_line() -> None:
    assert Legs(nobody).assign([Offered(3)]) == {0: Offered(3)}


def test_labels_of_every_line() -> None:
    body = "v=0\r\nm=video 6 RTP/AVP 9\r\nm=audio 0 RTP/AVP 0\r\na=label:a\r\nm=audio 8 RTP/AVP 0\r\na=label:b\r\n"
    message = Message.read(b"INVITE sip:a@b SIP/2.0\r\n\r\n" + body.encode())
    assert message.labels_by_line() == ["", "a", "b"]
    assert message.labels() == ["b"]
