"""Playing a case: at a box that is a script, so that it can also do what no box should."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from appliance.conform import Box, Case, Report, play_all
from appliance.conform.case import Step
from appliance.conform.outcome import Outcome
from appliance.conform.report import line_of
from appliance.errors import UnreachableError

OK = "<RESULT>\n<RESULTCODE>20</RESULTCODE>\n<ID>{number:id}</ID>\n</RESULT>\n"
ANSWER = b"<RESULT>\r\n<RESULTCODE>20</RESULTCODE>\r\n<ID>7</ID>\r\n</RESULT>\r\n"
EVENT = b"<CALLCOPYEVENT>\r\n<DEVICEID>else</DEVICEID>\r\n</CALLCOPYEVENT>\r\n"


class Script:
    """Answers each read with the next of its answers; None hangs up."""

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        self.heard: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with client:
                while data := client.recv(65536):
                    self.heard.append(data)
                    answer = self.answers.pop(0) if self.answers else b""
                    if answer is None:
                        break
                    client.sendall(answer)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed already
            self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listening.close()


@pytest.fixture
def script() -> Iterator[Script]:
    box = Script()
    yield box
    box.close()


def play(script: Script, *steps: Step, undo: tuple[Step, ...] = (), leaves: str = "") -> Outcome:
    case = Case("own", "one", "it answers", steps, undo, ("tcp",), leaves=leaves)
    box = Box("127.0.0.1", script.port, script.port, script.port, 0.5)
    (outcome,) = play_all(box, [case], ("tcp",))
    return outcome


def test_steps_follow_each_other_and_hand_values_on(script: Script) -> None:
    script.answers = [ANSWER, ANSWER]
    outcome = play(
        script, Step(ask={"TYPE": "A"}, answer=OK), Step(send="<B>{id}</B>", answer=OK.replace("{number:id}", "{id}"))
    )
    assert (outcome.verdict, outcome.left) == ("passed", ())
    assert script.heard[1] == b"<B>7</B>"


def test_an_event_between_is_no_answer(script: Script) -> None:
    script.answers = [EVENT + ANSWER]
    assert play(script, Step(send="<A/>", answer=OK)).verdict == "passed"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (ANSWER.replace(b"7", b"x"), "+ <ID>x</ID>"),
        (ANSWER.removesuffix(b"\r\n"), "+ </RESULT>"),
        (ANSWER[:20], "nothing whole came within 0.5 s"),
        (None, "the box hung up"),
    ],
)
def test_what_differs_is_told_with_its_step(script: Script, answer: bytes | None, told: str) -> None:
    script.answers = [ANSWER, answer]
    outcome = play(
        script, Step(send="<A/>", answer=OK), Step(send="<B/>", answer=OK.replace("{number:id}", "{number}"))
    )
    assert (outcome.verdict, outcome.at) == ("differed", "step 2: '<B/>'")
    assert told in outcome.told
    assert told in line_of(outcome)


def test_a_box_that_does_not_hang_up_differs(script: Script) -> None:
    script.answers = [ANSWER, None]
    assert play(script, Step(send="<A/>", answer=OK, closed=True)).told == "the box did not hang up within 0.5 s"
    assert play(script, Step(send="<A/>", closed=True)).verdict == "passed"


def test_a_code_that_tells_that_the_box_cannot_do_it_skips(script: Script) -> None:
    script.answers = [ANSWER.replace(b"20", b"3"), ANSWER.replace(b"20", b"4")]
    step = Step(send="<A/>", answer=OK, skip="no line", skip_codes=(3,))
    skipped = play(script, step, leaves="a recording")
    assert (skipped.verdict, skipped.told, skipped.left) == ("skipped", "no line (3)", ())
    assert play(script, step).verdict == "differed"


def test_undo_is_played_whatever_happened_and_tells_what_had_no_effect(script: Script) -> None:
    script.answers = [ANSWER, b"<RESULT></RESULT>\r\n", ANSWER, ANSWER.replace(b"20", b"23")]
    outcome = play(
        script,
        *(Step(send="<A/>", answer=OK), Step(send="<B/>", answer=OK)),
        undo=(Step(send="<C>{id}</C>", answer=OK), Step(send="<D/>", answer=OK)),
        leaves="device {device}",
    )
    assert outcome.verdict == "differed"
    assert outcome.at == "step 2: '<B/>'"
    assert script.heard[2:] == [b"<C>7</C>", b"<D/>"]
    assert outcome.left[0].startswith("device conform-")
    assert outcome.left[1:] == ("undo 2: '<D/>' had no effect",)


def test_what_was_not_made_need_not_be_undone(script: Script) -> None:
    outcome = play(script, Step(send="<A/>", answer=OK), undo=(Step(send="<C>{id}</C>", answer=OK),))
    assert (outcome.verdict, outcome.left) == ("differed", ())
    assert script.heard == [b"<A/>"]


def test_an_undo_that_differs_makes_the_case_differ(script: Script) -> None:
    script.answers = [ANSWER, ANSWER.replace(b"7", b"x")]
    outcome = play(script, Step(send="<A/>", answer=OK), undo=(Step(send="<C/>", answer=OK),))
    assert (outcome.verdict, outcome.at, outcome.left) == ("differed", "undo 1: '<C/>'", ())


def test_no_box_is_told_before_anything_is_played(script: Script) -> None:
    script.close()
    with pytest.raises(UnreachableError):
        play(script, Step(send="<A/>", answer=OK))
    assert script.heard == []


def test_junit_is_well_formed_whatever_came(script: Script, tmp_path: Path) -> None:
    script.answers = [ANSWER.replace(b"7", b"\x00\x1b\xff]]>&"), ANSWER.replace(b"20", b"3"), ANSWER]
    step = Step(send="<A \x02/>", answer=OK, skip="no\x03 line", skip_codes=(3,))
    report = Report("box", tuple(play(script, step, leaves="a \x01 recording") for _ in range(3)))
    report.write_junit(tmp_path / "junit.xml")
    root = ET.parse(tmp_path / "junit.xml").getroot()
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("3", "1", "1")
    (suite,) = root.findall("testsuite")
    assert suite.get("name") == "own over TCP"
    assert [[child.tag for child in case] for case in suite.findall("testcase")] == [
        ["failure", "system-out"],
        ["skipped"],
        ["system-out"],
    ]
    assert not report.good
    assert [one["verdict"] for one in report.facts()["cases"]] == ["differed", "skipped", "passed"]


def test_nothing_played_is_not_good() -> None:
    assert not Report("box", ()).good
