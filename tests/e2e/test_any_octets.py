"""Any octets to any port neither kill nor block the box: another client's TEST is answered after each."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.client import Client
from hil.child_box import HOST, ChildBox

ANSWER_S = 10.0
MARKS = st.sampled_from(
    (
        *(
            b"<REQUEST>",
            b"</REQUEST>",
            b"<TYPE>CALLSTART</TYPE>",
            b"<DEVICEID>1</DEVICEID>",
            b"<REQUESTID>1</REQUESTID>",
        ),
        *(b"<EVENTS/>", b"<DEVICELIST/>", b"<!--", b"<![CDATA[", b"<!DOCTYPE x [", b"&", b"\x00", b"\r\n", b"</A>"),
        *(b"GET /webAPI.aspx?type=devicelist HTTP/1.1\r\n", b"POST /webapi.php HTTP/1.1\r\n", b"Host: x\r\n\r\n"),
        *(b"Content-Length: 99999999\r\n", b"Transfer-Encoding: chunked\r\n", b"\x16\x03\x01\x02\x00\x01", b"x" * 9000),
    )
)
OCTETS = st.lists(st.one_of(MARKS, st.binary(max_size=80)), max_size=12)
PORTS = st.sampled_from(("api_port", "events_port", "web_port"))
ENDS = st.sampled_from(("half-closed", "closed", "broken", "left open"))


@pytest.fixture(scope="module")
def other(shared_box: ChildBox) -> Iterator[Client]:
    """The other client, connected all the time."""
    with Client(HOST, shared_box.api_port) as client:
        yield client


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PORTS, OCTETS, ENDS)
def test_another_client_is_answered(
    shared_box: ChildBox, other: Client, port: str, octets: list[bytes], end: str
) -> None:
    with socket.create_connection((HOST, getattr(shared_box, port)), ANSWER_S) as client:
        with contextlib.suppress(ConnectionError):  # the box may hang up on it; that is its answer
            for piece in octets:
                client.sendall(piece)
            if end == "half-closed":
                client.shutdown(socket.SHUT_WR)
                _read_to_the_end(client)
        if end == "broken":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if end != "left open":
            client.close()
        answer = other.request({"TYPE": "TEST"})
        assert (answer.code, answer.label) == (20, "API_OK")


def _read_to_the_end(client: socket.socket) -> None:
    with contextlib.suppress(ConnectionError):
        while client.recv(1 << 16):
            pass
