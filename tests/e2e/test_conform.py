"""The conformance kit at a real box, and at one that a proxy breaks."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from appliance.cli import main
from hil.child_box import HOST, ChildBox
from hil.ports import free_tcp_ports

LISTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("IMPORTAGENT", "AGENTS/COUNT", {"ACTION": "LIST"}),
    ("IMPORTUSER", "USERS/COUNT", {"ACTION": "LIST"}),
    ("IMPORTGROUP", "COUNT", {"ACTION": "LIST"}),
    ("STATIONS", "COUNT", {}),
    ("FETCHTERMINOLOGY", "COUNT", {}),
    ("CALLLIST", "DEVICES/COUNT", {}),
)
Conform = Callable[..., tuple[object, Any]]


@pytest.fixture
def conform(shared_box: ChildBox, capfd: pytest.CaptureFixture[str]) -> Conform:
    """Run the command at the module's box; gives its exit code and what it printed as JSON."""

    def run(*arguments: object, api_port: int | None = None, web_port: int | None = None) -> tuple[object, Any]:
        ports = [
            *("--port", api_port or shared_box.api_port),
            *("--events-port", shared_box.events_port),
            *("--web-port", web_port or shared_box.web_port),
        ]
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in ("conform", HOST, *ports, "--json", *arguments)])
        out = capfd.readouterr().out
        return left.value.code, json.loads(out) if out else {}

    return run


class Breaking:
    """Stands before a port and changes octets of what the box sends."""

    def __init__(self, port: int, wanted: bytes, instead: bytes) -> None:
        self._to, self._wanted, self._instead = port, wanted, instead
        self._listening = socket.create_server((HOST, 0))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._stand_between, args=(client,), daemon=True).start()

    def _stand_between(self, client: socket.socket) -> None:
        with client, socket.create_connection((HOST, self._to), 10) as box:
            back = threading.Thread(target=self._pass, args=(box, client, self._break), daemon=True)
            back.start()
            self._pass(client, box, lambda octets: octets)
            back.join(10)

    def _break(self, octets: bytes) -> bytes:
        return octets.replace(self._wanted, self._instead)

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket, change: Callable[[bytes], bytes]) -> None:
        try:
            while octets := source.recv(65536):
                sink.sendall(change(octets))
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one side is gone

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listening.close()


@pytest.fixture
def breaking() -> Iterator[Callable[[int, bytes, bytes], Breaking]]:
    with ExitStack() as open_ones:

        def start(port: int, wanted: bytes, instead: bytes) -> Breaking:
            proxy = Breaking(port, wanted, instead)
            open_ones.callback(proxy.close)
            return proxy

        yield start


def counts(box: ChildBox) -> dict[str, str]:
    with box.client() as client:
        return {kind: client.request({"TYPE": kind, **values}).text(path) for kind, path, values in LISTS}


def differing(facts: Any) -> list[tuple[str, str]]:
    return [(f"{one['group']}/{one['name']}", one["over"]) for one in facts["cases"] if one["verdict"] == "differed"]


def test_a_real_box_passes_over_tcp_and_http_and_is_left_as_it_was(
    conform: Conform, shared_box: ChildBox, tmp_path: Path
) -> None:
    before = counts(shared_box)
    code, facts = conform("--junit", tmp_path / "junit.xml")
    assert (code, differing(facts), facts["skipped"]) == (0, [], 0)
    assert {one["over"] for one in facts["cases"]} == {"tcp", "http"}
    assert not [line for line in facts["left"] if "had no effect" in line]
    assert [line for line in facts["left"] if "recording of device" in line]
    assert counts(shared_box) == before
    root = ET.parse(tmp_path / "junit.xml").getroot()
    assert int(root.get("tests", "")) == facts["passed"] == len(root.findall("testsuite/testcase")) > 100
    assert root.get("failures") == "0"


def test_one_wrong_code_is_found_and_its_case_named(
    conform: Conform, shared_box: ChildBox, breaking: Callable[[int, bytes, bytes], Breaking], tmp_path: Path
) -> None:
    broken = breaking(shared_box.api_port, b"<RESULTCODE>33<", b"<RESULTCODE>34<")
    code, facts = conform("--junit", tmp_path / "junit.xml", api_port=broken.port)
    assert (code, differing(facts)) == (1, [("f_chats/no_session", "tcp")])
    (told,) = (one for one in facts["cases"] if one["verdict"] == "differed")
    assert told["at"].startswith("step 1: TYPE=CHATSTART")
    assert "- <RESULTCODE>33</RESULTCODE>\\r\\n\n+ <RESULTCODE>34</RESULTCODE>\\r\\n" in told["told"]
    failed = ET.parse(tmp_path / "junit.xml").getroot().findall("testsuite/testcase[failure]")
    assert [(case.get("classname"), case.get("name")) for case in failed] == [("f_chats over TCP", "no_session")]


def test_one_missing_octet_is_found(
    conform: Conform, shared_box: ChildBox, breaking: Callable[[int, bytes, bytes], Breaking]
) -> None:
    broken = breaking(shared_box.api_port, b"\r\n</STATIONS>", b"\n</STATIONS>")
    code, facts = conform("--only", "g_registry/*", api_port=broken.port)
    assert (code, differing(facts)) == (1, [("g_registry/stations", "tcp")])
    assert counts(shared_box)["STATIONS"] == "0"


def test_one_wrong_word_over_http_is_found(
    conform: Conform, shared_box: ChildBox, breaking: Callable[[int, bytes, bytes], Breaking]
) -> None:
    broken = breaking(shared_box.web_port, b"No matching devices", b"No fitting devices!")
    code, facts = conform("--only", "h_status/*", web_port=broken.port)
    assert (code, differing(facts)) == (1, [("h_status/no_device", "http")])


def test_cases_of_ones_own_are_played_beside(conform: Conform, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        '[[case]]\nname = "echo"\nsays = "it answers"\n'
        '[[case.step]]\nask = { TYPE = "TEST", REQUESTID = 5 }\nanswer = "21 API_OK"\n'
    )
    code, facts = conform("--cases", tmp_path, "--only", "mine/*", "--over", "tcp")
    assert (code, differing(facts)) == (1, [("mine/echo", "tcp")])


def test_no_box_is_69(conform: Conform) -> None:
    (port,) = free_tcp_ports(1)
    assert conform(api_port=port) == (69, {})
    assert conform("--only", "none/*")[0] == 2
    assert conform("--over", "udp")[0] == 2
