"""A box that is started by its card: named and owned by the rules that ship, recording without a word from anybody."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from appliance.audio.measure import make_tone
from appliance.client import EventClient
from drivers.taps.soundcard.cards import cards
from hil import loop_cards
from hil.child_box import read_sidecar
from hil.event_log import EventLog
from tests.hil.unit import ROOT, UNIT, install, journal, shown, systemctl, wait_until

pytestmark = [pytest.mark.rig("sound-loop", "systemd"), pytest.mark.timeout(900)]

RULES = Path("/etc/udev/rules.d")
SITE = RULES / "84-linetap-cards.rules"
OURS = "85-linetap-sound.rules"
DEVICE_UNIT = "dev-rec-line1.device"
RATE_HZ = 8000
CUT_S = 20
SETTINGS = f"""
[recording]
holdback_s = 2
reserve_mb = 10
[[taps]]
name = "line1"
kind = "soundcard"
device = "hw:CARD=LINE1,DEV=1,SUBDEV=0"
channels = 2
card_rate_hz = {RATE_HZ}
always_cut_s = {CUT_S}
lines = [{{ name = "door", inputs = [1], start = "always", device = "7002" }}]
[[schedules]]
name = "all"
"""


def udevadm(*words: str) -> str:
    done = subprocess.run(["udevadm", *words], check=True, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def name_card(number: int) -> None:
    """Let the card at that port be LINE1 from the next time on that it is plugged in."""
    (card,) = (card for card in cards() if card.port == f"snd_aloop.{number}")
    SITE.write_text(card.rules("LINE1")["port"] + "\n")
    udevadm("control", "--reload")


def plug(number: int, *, there: bool) -> None:
    loop_cards.plug(number, there=there)
    udevadm("settle")


@pytest.fixture(scope="module", autouse=True)
def unit() -> Iterator[None]:
    """Have the unit installed and not running, the rules in place, and no card of that name."""
    install()
    systemctl("disable", "--now", UNIT)
    Path("/etc/linetap/linetap.toml").write_text(SETTINGS)
    shutil.copy(ROOT / "udev" / OURS, RULES / OURS)
    name_card(3)
    plug(3, there=False)
    yield
    systemctl("stop", UNIT)


def complaints(rules: str) -> list[str]:
    said = udevadm("test", "--action=add", "/sys/class/sound/card0")
    marks = ("invalid", "unknown", "ignoring", "must be specified", "failed")
    return [line for line in said.splitlines() if rules in line and any(mark in line.lower() for mark in marks)]


def test_udev_finds_no_fault_in_the_rules() -> None:
    assert complaints("linetap") == []
    wrong = RULES / "86-linetap-wrong.rules"
    wrong.write_text('KERNAL=="card*", MODE="0660"\n')
    try:
        assert complaints(wrong.name)
    finally:
        wrong.unlink()


def card_gives_frames() -> bool:
    with urllib.request.urlopen("http://127.0.0.1:2012/metrics", timeout=30) as answer:
        text = answer.read().decode()
    found = re.search(r'^linetap_card_present\{tap="line1"\} (\d)$', text, re.MULTILINE)
    return found is not None and found[1] == "1"


def active(unit: str) -> bool:
    words = ["systemctl", "is-active", "--quiet", unit]
    return subprocess.run(words, check=False, timeout=60).returncode == 0


def test_plugging_a_card_starts_its_lines_and_pulling_it_stops_them(tmp_path: Path) -> None:
    assert not active(UNIT)
    plug(3, there=True)
    wait_until(lambda: active(UNIT), 180)
    assert active(DEVICE_UNIT)
    main = shown("MainPID")
    tone = np.tile(make_tone(700, RATE_HZ, RATE_HZ)[:, None], (4, 2))
    with EventLog(EventClient("127.0.0.1", 5621)) as log:
        with loop_cards.playing_round(tmp_path, "LINE1", tone, RATE_HZ):
            first = Path(log.wait("RECORDINGUPDATE", "7002", count=1, timeout_s=90).data["FILENAME"])
            second = Path(log.wait("RECORDINGUPDATE", "7002", count=2, timeout_s=90).data["FILENAME"])
            time.sleep(4)
            plug(3, there=False)
        wait_until(lambda: not card_gives_frames(), 20)
        assert not active(DEVICE_UNIT)
        assert active(UNIT)
        name_card(2)
        plug(2, there=False)
        plug(2, there=True)  # the same name at another port
        wait_until(card_gives_frames, 20)
        assert active(DEVICE_UNIT)
        third = Path(log.wait("RECORDINGUPDATE", "7002", count=3, timeout_s=90).data["FILENAME"])
    assert (shown("MainPID"), shown("NRestarts")) == (main, "0"), journal()
    pcm, _ = soundfile.read(second, dtype="int16")
    heard = loop_cards.hear_tone(pcm, RATE_HZ)
    assert (round(heard.frequency_hz), heard.broken_frames) == (700, 0)
    assert read_sidecar(second)["gaps"] == []
    assert read_sidecar(first)["duration_s"] == pytest.approx(CUT_S, abs=1)
    assert [gap["reason"] for gap in read_sidecar(third)["gaps"]] == ["unplugged"]
