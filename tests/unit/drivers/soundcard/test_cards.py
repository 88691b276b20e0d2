from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.cli import main
from drivers.taps.soundcard import cards as cards_module
from drivers.taps.soundcard.cards import CardInfo, cards

ROOT = Path(__file__).parents[4]


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A kernel's trees: a USB card with a serial number, a loopback card, and one that only plays."""
    devices, classes = tmp_path / "sys/devices", tmp_path / "sys/class/sound"
    classes.mkdir(parents=True)
    usb = devices / "pci0000:00/0000:00:14.0/usb1/1-1/1-1.2"
    for number, card_id, device, pcms in (
        (0, "HDMI", devices / "pci0000:00/0000:00:1f.3", ["pcmC0D3p"]),
        (2, "Device", usb / "1-1.2:1.0", ["pcmC2D0c", "pcmC2D0p"]),
        (10, "Loopback", devices / "platform/snd_aloop.0", ["pcmC10D0c", "pcmC10D1c", "pcmC10D1p"]),
    ):
        card = device / f"sound/card{number}"
        for pcm in pcms:
            (card / pcm).mkdir(parents=True)
        (card / "id").write_text(card_id + "\n")
        (card / "device").symlink_to(device)
        (classes / f"card{number}").symlink_to(card)
        (classes / f"controlC{number}").symlink_to(card)
    (usb / "idVendor").write_text("0d8c\n")
    (usb / "serial").write_text("RIG0001\n")
    (tmp_path / "proc/asound").mkdir(parents=True)
    (tmp_path / "proc/asound/cards").write_text(
        " 0 [HDMI           ]: HDA-Intel - HDA Intel\n                      HDA Intel at 0xfebf0000 irq 24\n"
        " 2 [Device         ]: USB-Audio - USB Audio Device\n                      C-Media at usb-0000:00:14.0-1.2\n"
    )
    return tmp_path


@pytest.fixture
def found(machine: Path) -> list[CardInfo]:
    return cards(machine / "sys", machine / "proc")


def test_cards_are_told_with_their_ports(found: list[CardInfo]) -> None:
    assert found == [
        CardInfo(0, "HDMI", "HDA Intel at 0xfebf0000 irq 24", "0000:00:1f.3", "", ()),
        CardInfo(2, "Device", "C-Media at usb-0000:00:14.0-1.2", "1-1.2", "RIG0001", (0,)),
        CardInfo(10, "Loopback", "", "snd_aloop.0", "", (0, 1)),
    ]
    assert found[2].devices == ("hw:CARD=Loopback,DEV=0", "hw:CARD=Loopback,DEV=1")


def test_a_machine_without_sound_has_no_cards(tmp_path: Path) -> None:
    assert cards(tmp_path, tmp_path) == []


def test_rules_name_a_card_by_its_port_or_its_serial(found: list[CardInfo]) -> None:
    assert found[1].rules("LINEA") == {
        "port": 'SUBSYSTEM=="sound", KERNEL=="card*", KERNELS=="1-1.2", ATTR{id}="LINEA", ENV{LINETAP_CARD}="linea"',
        "serial": 'SUBSYSTEM=="sound", KERNEL=="card*", ENV{LINETAP_CARD}!="linea", SUBSYSTEMS=="usb", '
        'ATTRS{serial}=="RIG0001", '
        'ATTR{id}="LINEA", ENV{LINETAP_CARD}="linea"',
    }
    assert list(found[2].rules("LINEB")) == ["port"]


def test_the_command_shows_what_to_write(
    found: list[CardInfo], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cards_module, "cards", lambda: found)
    assert _linetap("cards") == 0
    shown = capsys.readouterr().out
    assert 'device = "hw:CARD=Device,DEV=0"' in shown
    assert "card 0  HDMI  HDA Intel at 0xfebf0000 irq 24\n  has no inputs\n" in shown
    assert _linetap("cards", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert [(card["id"], list(card["udev"])) for card in facts] == [
        ("HDMI", []),
        ("Device", ["port", "serial"]),
        ("Loopback", ["port"]),
    ]
    assert _linetap("cards", "--udev") == 0
    ports = [found[1].rules("LINE1")["port"], found[2].rules("LINE2")["port"]]
    assert capsys.readouterr().out.splitlines() == [ports[0], found[1].rules("LINE1")["serial"], ports[1]]
    twins = [found[1], dataclasses.replace(found[1], number=3, port="1-1.3")]
    monkeypatch.setattr(cards_module, "cards", lambda: twins)
    assert _linetap("cards", "--udev") == 0
    assert "serial" not in capsys.readouterr().out
    monkeypatch.setattr(cards_module, "cards", list)
    assert _linetap("cards") == 1


def _linetap(*words: str) -> object:
    with pytest.raises(SystemExit) as left:
        main(words)
    return left.value.code


# --- the rules that ship, read by udev itself ---------------------------------------------------------------------


def complaints(folder: Path) -> list[str]:
    """What udev says of the rule files in a folder; in a file system of the process's own, so that nothing changes."""
    script = f"mount --bind {folder} /etc/udev/rules.d && udevadm test /sys/devices/virtual/mem/null 2>&1"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    if shutil.which("udevadm") is None or "Reading rules file: /etc/udev/rules.d/" not in done.stdout:
        pytest.skip("udevadm is not there, or may not see a file system of its own")
    read = "Reading rules file: /etc/udev/rules.d/"
    return [line for line in done.stdout.splitlines() if "/etc/udev/rules.d/" in line and not line.startswith(read)]


def test_udev_reads_the_rules_that_ship_and_those_that_are_written(found: list[CardInfo], tmp_path: Path) -> None:
    folder = tmp_path / "rules.d"
    shutil.copytree(ROOT / "udev", folder)
    (folder / "84-linetap-cards.rules").write_text("\n".join([*found[1].rules("LINEA").values(), ""]))
    assert complaints(folder) == []
    (folder / "86-wrong.rules").write_text('SUBSYSTEM=="sound", NAMES="x"\n')
    assert len(complaints(folder)) == 1
