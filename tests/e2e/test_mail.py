from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import soundfile

from appliance.audio import measure
from hil.child_box import ROOT, ChildBox
from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk
from tests.postbox import Postbox, attachment

RATE = 8000


def linetap_mail(box: ChildBox, *arguments: str) -> Any:
    """Run ``linetap mail``, as a technician does beside the box."""
    command = [sys.executable, "-m", "appliance.cli", "mail", *arguments, "--json", "--config", str(box.settings_path)]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=30).stdout)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_mail_outlives_the_box_and_arrives_when_the_server_is_back(
    make_box: Boxes, tmp_path: Path, tls: Literal["starttls", "tls"]
) -> None:
    with Postbox(tmp_path, tls=tls) as postbox:
        box = make_box([{"name": "lines", "kind": "virtual"}], mail=postbox.settings())
        with Desk(box) as desk:
            line = int(desk.start("5003", DEVICEALIAS="Desk 3", USER2="mail me").data["CHANNEL"])
            time.sleep(2)
            frames = len(soundfile.read(desk.stop("5003"))[0])
            mail_me = {"UNIQUEFIELD": "user2", "UNIQUEID": "mail me"}
            desk.send("EMAIL", **mail_me, TOADDRESS="ann@example.com", MEDIA_FORMAT="mp3")
            check_letter(postbox, box, line, frames, "mp3")
            postbox.close()
            desk.send("EMAIL", **mail_me, TOADDRESS="bob@example.com", MEDIA_FORMAT="wav")
            wait_for_try(box, "bob@example.com")
        box.restart()
        waiting, sent = linetap_mail(box, "list")
        assert (sent["state"], sent["address"]) == ("sent", "ann@example.com")
        assert (waiting["state"] in {"queued", "sending"}, waiting["address"]) == (True, "bob@example.com")
        assert len(postbox.taken) == 1
        postbox.open()
        check_letter(postbox, box, line, frames, "wav", count=2)
        assert postbox.taken[1]["To"] == "bob@example.com"
        assert postbox.taken[1]["Message-ID"] == waiting["message_id"]
        assert all(postbox.log_ins)  # which the server takes over TLS alone
        wait_for_state(box, "bob@example.com", "sent")


def wait_for_try(box: ChildBox, address: str) -> None:
    """Wait until the box has tried in vain to send the mail."""
    until(lambda: any(m["address"] == address and m["attempts"] > 0 for m in linetap_mail(box, "list")))


def wait_for_state(box: ChildBox, address: str, state: str) -> None:
    until(lambda: any(m["address"] == address and m["state"] == state for m in linetap_mail(box, "list")))


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.2)


def check_letter(postbox: Postbox, box: ChildBox, line: int, frames: int, form: str, *, count: int = 1) -> None:
    """The newest letter has what EXPORT gives of this recording: the line's two tones, each on its side."""
    name, kind, octets = attachment(postbox.wait(count)[-1])
    exported = box.web(type="export", requestid=1, uniquefield="user2", uniqueid="mail me", media_format=form)
    assert (octets, kind) == exported
    samples, rate_hz = soundfile.read(io.BytesIO(octets), dtype="int16", always_2d=True)
    assert name.startswith("Desk 3-")
    assert name.endswith(f".{form}")
    assert (len(samples), rate_hz) == (frames, RATE)
    for leg, base_hz in enumerate((300, 1000)):
        assert measure.find_tone(samples[:, leg], RATE).frequency_hz == pytest.approx(base_hz + 50 * line, abs=0.2)


def test_without_a_server_email_is_39(desk: Desk) -> None:
    desk.start("5003")
    time.sleep(0.5)
    desk.stop("5003")
    asked = {"TYPE": "EMAIL", "UNIQUEFIELD": "deviceid", "UNIQUEID": "5003", "TOADDRESS": "a@b", "MEDIA_FORMAT": "wav"}
    answer = desk.client.request(asked)
    assert (answer.code, answer.message) == (39, "mail is switched off: no mail server is set")


@pytest.mark.parametrize("media_format", ["m4a", "vox"])
def test_the_newer_formats_are_exported_and_cav_is_not(desk: Desk, media_format: str) -> None:
    desk.start("5003", USER2="x")
    time.sleep(1)
    frames = len(soundfile.read(desk.stop("5003"))[0])
    body, kind = desk.box.web(type="export", requestid=1, uniquefield="user2", uniqueid="x", media_format=media_format)
    assert kind == {"m4a": "audio/mp4", "vox": "application/octet-stream"}[media_format]
    assert body[4:8] == b"ftyp" if media_format == "m4a" else len(body) == (frames + 1) // 2
    refusal, kind = desk.box.web(type="export", requestid=1, uniquefield="user2", uniqueid="x", media_format="cav")
    assert kind == "text/xml"
    assert b"<RESULTCODE>11</RESULTCODE>\r\n<RESULTMSG>cav is not available: its format is not public<" in refusal
