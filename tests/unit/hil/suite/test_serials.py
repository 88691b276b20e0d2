from __future__ import annotations

import pytest

from drivers.taps.soundcard.cards import CardInfo
from hil.rigfile import Rig
from hil.suite.serials import identities

THERE = [CardInfo(0, "PCH", "", "0000:00:1f.3", "", (0,)), CardInfo(1, "LINE1", "", "1-2", "A-1", (0,))]


def rig(device: str, serial: str, backend: str = "alsa") -> Rig:
    card = {"name": "in", "device": device, "serial": serial, "backend": backend}
    return Rig.model_validate({"station": {"name": "s"}, "cards": [card]})


@pytest.mark.parametrize("device", ["hw:CARD=LINE1,DEV=0", "hw:LINE1", "hw:1,0", "plughw:CARD=LINE1"])
def test_a_usb_card_is_found_by_its_device_and_shows_its_number(device: str) -> None:
    (one,) = identities(rig(device, "A-2"), THERE)
    assert (one.title, one.written, one.shown, one.fault) == ("card in", "A-2", "A-1", "")


@pytest.mark.parametrize(
    ("device", "serial", "backend", "fault"),
    [
        ("hw:CARD=LINE1", "", "alsa", "the rig file has none"),
        ("hw:CARD=PCH", "A-1", "alsa", "no USB card that shows one"),
        ("hw:CARD=GONE", "A-1", "alsa", "there is no card GONE"),
        ("pulse", "A-1", "alsa", "the device names no card of the kernel"),
        ("hw:1", "A-1", "portaudio", "the device names no card of the kernel"),
    ],
)
def test_what_cannot_be_compared_is_said(device: str, serial: str, backend: str, fault: str) -> None:
    (one,) = identities(rig(device, serial, backend), THERE)
    assert one.fault == fault
