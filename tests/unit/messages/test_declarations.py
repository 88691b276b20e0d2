from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.fields import CallFields
from appliance.errors import ResultCode
from appliance.events.types import EVENTS
from appliance.messages.call_data import CallData
from appliance.messages.catalog import catalog
from appliance.messages.printing import print_document
from appliance.messages.reference import reference
from appliance.messages.reference_ground import CODES, ELEMENTS
from appliance.messages.request import Request
from appliance.messages.types.callstart import CallStart
from appliance.messages.wire_text import us_time

ROOT = Path(__file__).parents[3]
KINDS = list(dict.fromkeys(catalog().values()))


@pytest.fixture
def zone() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


@pytest.mark.parametrize("kind", KINDS, ids=Request.wire_name.__func__)  # type: ignore[attr-defined]
def test_every_type_says_what_it_does(kind: type[Request]) -> None:
    assert kind.__doc__
    assert kind.returns
    assert kind.samples
    assert all(parameter.text for parameter in kind.parameters.values())
    assert set(kind.keys) <= set(kind.parameters)


def test_every_field_of_a_call_that_clients_may_tell_is_named_as_in_the_call() -> None:
    own = {"device_id", "call_instance", "use_cti_call_info"}
    assert set(CallStart.parameters) - own <= set(CallFields.model_fields)
    assert set(CallFields.model_fields) - set(CallStart.parameters) == {"agent_id", "session_id"}
    assert list(CallData.parameters)[:6] == [
        *("device_id", "device_alias", "station", "sys_user", "crm_user", "call_instance")
    ]


def test_every_element_of_an_answer_or_event_is_explained() -> None:
    text = reference()
    answers = "".join(re.findall(r"(?s)<RESULT>.*?</RESULT>", text))
    told = set(re.findall(r"<([A-Z_0-9]+)>", answers)) | {name for event in EVENTS for name in event.order}
    explained = {name for group in ELEMENTS for name in group.split(", ")}
    explained |= {name for kind in KINDS for name in kind.fields_by_name}
    assert told <= explained


def test_every_code_is_explained_and_said_to_be_given_or_never_to_be() -> None:
    assert set(CODES) == set(ResultCode)
    named = {name for kind in KINDS for line in kind.returns for name in re.findall(r"API_[A-Z_]+", line)}
    general = {"API_UNKNOWN_MESSAGE_TYPE", "API_INVALID_REQUEST_TYPE", "API_INVALID_MESSAGE_FORMAT"}
    assert {code.label for code in ResultCode if not CODES[code].startswith("never")} == (
        {code.label for code in ResultCode} & (named | general)
    )


@pytest.mark.parametrize("kind", KINDS, ids=Request.wire_name.__func__)  # type: ignore[attr-defined]
def test_the_first_sample_of_every_message_is_answered_as_a_success(kind: type[Request]) -> None:
    chapter = reference().partition(f"\n## {kind.wire_name()}\n")[2].partition("\n## ")[0]
    codes = re.findall(r"<RESULTCODE>(\d+)</RESULTCODE>", chapter)
    assert codes[0] in {"0", "13", "20"} or "```xml\nGET " in chapter
    assert ("*Reconstructed*" in chapter) == bool(kind.reconstructed)


def test_the_reference_is_fresh() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "appliance.messages.reference", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_a_stale_reference_is_told(tmp_path: Path) -> None:
    stale = tmp_path / "messages.md"
    stale.write_text("old")
    checked = subprocess.run(
        [sys.executable, "-m", "appliance.messages.reference", "--check", str(stale)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 1
    assert "stale" in checked.stderr


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (dt.datetime(2026, 1, 5, 5, 0, 0, tzinfo=dt.UTC), "1/5/2026 12:00:00 AM"),
        (dt.datetime(2026, 11, 23, 17, 4, 9, tzinfo=dt.UTC), "11/23/2026 12:04:09 PM"),
        (dt.datetime(2026, 7, 1, 22, 30, 59, tzinfo=dt.UTC), "7/1/2026 6:30:59 PM"),
        (None, ""),
    ],
)
@pytest.mark.usefixtures("zone")
def test_times_are_local_us_and_not_padded(moment: dt.datetime | None, text: str) -> None:
    assert us_time(moment) == text


def test_printing_is_ascii_one_element_a_line_and_well_formed() -> None:
    body = (("A", 'é€\U0001f600 <&>"'), ("B", ""), ("C", (("D", "x\r\ny\x00\ud800"),)), ("E", ()))
    assert print_document("R", body) == (
        b'<R>\r\n<A>&#233;&#8364;&#128512; &lt;&amp;&gt;"</A>\r\n<B></B>\r\n<C>\r\n'
        b"<D>x&#13;&#10;y&#65533;&#65533;</D>\r\n</C>\r\n<E></E>\r\n</R>\r\n"
    )
    assert print_document("R", body[1:2], compact=True) == b"<R><B></B></R>\r\n"
