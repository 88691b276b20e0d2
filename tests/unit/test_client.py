"""The client against a server that sends what the test says, cut where it likes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from appliance.client import Client, EventClient, encode
from appliance.errors import UnreachableError

OK = (
    b"<RESULT>\r\n<REQUESTTYPE>TEST</REQUESTTYPE>\r\n<REQUESTID>1</REQUESTID>\r\n<RESULTTYPE>API_OK"
    b"</RESULTTYPE>\r\n<RESULTCODE>20</RESULTCODE>\r\n<RESULTMSG>API_OK</RESULTMSG>\r\n</RESULT>\r\n"
)
DEVICES = (
    b"<RESULT><RESULTCODE>20</RESULTCODE><RESULTTYPE>OK</RESULTTYPE><RESULTMSG>OK</RESULTMSG><DEVICES>"
    b"<COUNT>2</COUNT><DEVICE><DEVICEID>1</DEVICEID><RECORDING><FILENAME>a &amp; b</FILENAME></RECORDING>"
    b"</DEVICE><DEVICE><DEVICEID>2</DEVICEID></DEVICE></DEVICES></RESULT>\r\n"
)
EVENT = (
    b"<CALLCOPYEVENT>\r\n<EVENTCLASS>CALL</EVENTCLASS><EVENTTYPE>CALLSTART</EVENTTYPE><EVENTDATA>"
    b"<DEVICEID>5003</DEVICEID><USER1></USER1></EVENTDATA></CALLCOPYEVENT>\r\n"
)

Serve = Callable[[Callable[[socket.socket], None]], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    threads: list[threading.Thread] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def start(talk: Callable[[socket.socket], None]) -> int:
        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                talk(connection)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        port: int = listener.getsockname()[1]
        return port

    yield start
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    listener.close()


def test_requests_are_written_as_one_element_a_value() -> None:
    assert encode({"TYPE": "TEST", "USER1": "a & <b> é"}) == (
        "<REQUEST><TYPE>TEST</TYPE><USER1>a &amp; &lt;b&gt; é</USER1></REQUEST>\r\n".encode()
    )


def test_answers_are_cut_at_their_closing_tag_however_they_arrive(serve: Serve) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        for octet in OK[:60]:
            connection.sendall(bytes([octet]))
        connection.sendall(OK[60:] + DEVICES)
        connection.recv(65536)

    with Client(port=serve(talk)) as client:
        assert client.request({"TYPE": "TEST"}).message == "API_OK"
        answer = client.request({"TYPE": "DEVICELIST"})
    assert (answer.code, answer.label, answer.text("DEVICES/COUNT")) == (20, "OK", "2")
    assert answer.rows("DEVICES/DEVICE") == [{"DEVICEID": "1", "FILENAME": "a & b"}, {"DEVICEID": "2"}]


def test_events_are_given_in_turn_until_it_is_quiet(serve: Serve) -> None:
    told: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        told.append(connection.recv(65536))
        connection.sendall(OK + EVENT[:30])
        time.sleep(0.05)
        connection.sendall(EVENT[30:] + EVENT)
        connection.recv(1)

    with EventClient(port=serve(talk), event_class="CALL") as client:
        events = list(client.events(quiet_s=0.3))
    assert b"<EVENTCLASS>CALL</EVENTCLASS>" in told[0]
    assert [event.event_type for event in events] == ["CALLSTART", "CALLSTART"]
    assert events[0].data == {"DEVICEID": "5003", "USER1": ""}


def test_nobody_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UnreachableError, match=f"no box answers at 127.0.0.1:{port}"):
        Client(port=port)


def test_hanging_up_in_the_middle_of_an_answer_is_unreachable(serve: Serve) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(OK[:40])

    with Client(port=serve(talk)) as client, pytest.raises(UnreachableError, match="hung up"):
        client.request({"TYPE": "TEST"})


def test_silence_is_a_timeout(serve: Serve) -> None:
    def silent(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.recv(1)

    with Client(port=serve(silent), timeout_s=0.1) as client, pytest.raises(TimeoutError, match="nothing whole"):
        client.request({"TYPE": "TEST"})
