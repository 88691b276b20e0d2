"""The ground that tests of drivers stand on: the rig's cards and spans carry what is put into them."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import time
import wave
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from appliance.audio.measure import find_tone, make_tone

PLAYED_S = 3
DEEP = ("--buffer-time=500000", "--period-time=100000")  # half a second, so that a slow host spoils nothing


# --- sound ------------------------------------------------------------------------------------------------------


@pytest.mark.rig("sound-loop")
def test_four_loopback_cards_of_eight_lines_are_there() -> None:
    cards = Path("/proc/asound/cards").read_text()
    assert re.findall(r"\[(\S+) *\]: (\S+)", cards) == [(f"L{n}", "Loopback") for n in range(4)]
    for card in range(4):
        assert "subdevices_count: 8" in Path(f"/proc/asound/card{card}/pcm1c/info").read_text()


def record_tone(folder: Path, line: int, frequency_hz: float, rate_hz: int) -> npt.NDArray[np.int16]:
    """Play a tone into a line with aplay and give what arecord heard on it."""
    played, heard = folder / f"played{line}.wav", folder / f"heard{line}.wav"
    with wave.open(str(played), "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(make_tone(frequency_hz, rate_hz, PLAYED_S * rate_hz).tobytes())
    words = ["arecord", "-q", *DEEP, "-D", f"rec{line:02d}", "-f", "S16_LE", "-c", "1", "-r", str(rate_hz)]
    recorder = subprocess.Popen([*words, "-d", str(PLAYED_S + 2), str(heard)])
    try:
        wait_captures(line)
        subprocess.run(["aplay", "-q", *DEEP, "-D", f"play{line:02d}", str(played)], check=True, timeout=60)
        assert recorder.wait(60) == 0
    finally:
        recorder.kill()
        recorder.wait()
    with wave.open(str(heard), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def wait_captures(line: int) -> None:
    """Wait until a recorder runs: one that begins after the player hears the card's old buffer first."""
    status = Path(f"/proc/asound/L{line // 8}/pcm1c/sub{line % 8}/status")
    deadline_s = time.monotonic() + 30
    while "RUNNING" not in status.read_text():
        assert time.monotonic() < deadline_s, status.read_text()
        time.sleep(0.02)


@pytest.mark.rig("sound-loop")
@pytest.mark.parametrize(("line", "rate_hz"), [(0, 8000), (7, 48000), (31, 16000)])
def test_a_played_tone_is_recorded_whole(tmp_path: Path, line: int, rate_hz: int) -> None:
    frequency_hz = 1000 + 13 * line
    heard = record_tone(tmp_path, line, frequency_hz, rate_hz)
    tone = find_tone(heard, rate_hz)
    assert tone.frequency_hz == pytest.approx(frequency_hz, abs=0.1)
    assert tone.level_dbfs == pytest.approx(-16, abs=0.05)
    played = make_tone(frequency_hz, rate_hz, PLAYED_S * rate_hz)
    drained = rate_hz // 10  # at the end of what a player drains the card repeats some milliseconds
    assert played[:-drained].tobytes() in heard.tobytes()
    assert abs(tone.frames - played.size) < drained


@pytest.mark.rig("sound-loop")
def test_a_line_does_not_hear_its_neighbour(tmp_path: Path) -> None:
    words = ["arecord", "-q", "-D", "rec01", "-f", "S16_LE", "-c", "1", "-r", "8000", "-t", "raw", "-d", "3"]
    neighbour = subprocess.Popen(words, stdout=subprocess.PIPE)
    wait_captures(1)
    heard = record_tone(tmp_path, 0, 1000, 8000)
    silence, _ = neighbour.communicate(timeout=60)
    assert np.abs(heard).max() > 1000
    assert len(silence) == 3 * 8000 * 2
    assert not any(silence)


@pytest.mark.rig("sound-loop")
def test_a_card_can_be_unplugged_while_it_records_and_plugged_back(tmp_path: Path) -> None:
    driver = Path("/sys/bus/platform/drivers/snd_aloop")
    words = ["arecord", "-q", "-D", "rec08", "-f", "S16_LE", "-c", "1", "-r", "8000", "-t", "raw"]
    recorder = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert recorder.stdout is not None
        assert len(recorder.stdout.read(8000)) == 8000
        (driver / "unbind").write_text("snd_aloop.1")
        _, said = recorder.communicate(timeout=60)
    finally:
        recorder.kill()
        recorder.wait()
    assert recorder.returncode != 0
    assert b"No such device" in said
    assert "[L1 " not in Path("/proc/asound/cards").read_text()
    (driver / "bind").write_text("snd_aloop.1")
    subprocess.run(["udevadm", "settle"], check=True, timeout=60)
    assert find_tone(record_tone(tmp_path, 8, 700, 8000), 8000).frequency_hz == pytest.approx(700, abs=0.1)


# --- spans ------------------------------------------------------------------------------------------------------

SPECIFY, GET_EVENT, HOOK, SPAN_STATUS = 0x4004DA26, 0x8004DA08, 0x4004DA07, 0xC13ADA0A
OFF_HOOK, RING = 1, 5
RING_OFF_HOOK_EVENT, RINGER_ON_EVENT, RINGER_OFF_EVENT, HOOK_COMPLETE_EVENT, RING_BEGIN_EVENT = 2, 10, 11, 12, 18
EVENT_WAITS = 500  # errno of a read or write while an event waits
FAR = 24  # the far side of channel n is n + 24


@contextmanager
def open_channels(*numbers: int) -> Iterator[list[int]]:
    with ExitStack() as opened:
        fds = []
        for number in numbers:
            fd = os.open("/dev/dahdi/channel", os.O_RDWR | os.O_NONBLOCK)
            opened.callback(os.close, fd)
            fcntl.ioctl(fd, SPECIFY, struct.pack("=i", number))
            fds.append(fd)
        yield fds


def next_event(fd: int, timeout_s: float = 10) -> int:
    poll = select.poll()
    poll.register(fd, select.POLLPRI)
    assert poll.poll(timeout_s * 1000), "no event came"
    event: int = struct.unpack("=i", fcntl.ioctl(fd, GET_EVENT, bytes(4)))[0]
    return event


def ring(fd: int) -> None:
    """Begin to ring; that it goes on is no error of a channel that does not block."""
    with suppress(BlockingIOError):
        fcntl.ioctl(fd, HOOK, struct.pack("=i", RING))


@pytest.mark.rig("spans")
@pytest.mark.usefixtures("spans")
@pytest.mark.parametrize("span", [1, 2])
def test_a_span_has_24_channels_and_no_alarm(span: int) -> None:
    with open("/dev/dahdi/ctl", "rb") as control:  # noqa: PTH123
        status = fcntl.ioctl(control, SPAN_STATUS, struct.pack("=i", span) + bytes(310))
    alarms, channels = struct.unpack_from("=i", status, 64)[0], struct.unpack_from("=i", status, 120)[0]
    assert (alarms, channels) == (0, 24)


@pytest.mark.rig("spans")
@pytest.mark.usefixtures("spans")
def test_a_ring_comes_across_and_is_answered() -> None:
    with open_channels(1, 1 + FAR) as (phone, exchange):
        ring(exchange)
        assert next_event(phone) in {RING_BEGIN_EVENT, RING_OFF_HOOK_EVENT}
        fcntl.ioctl(phone, HOOK, struct.pack("=i", OFF_HOOK))
        while (seen := next_event(exchange)) != RING_OFF_HOOK_EVENT:
            assert seen in {RINGER_OFF_EVENT, RINGER_ON_EVENT, HOOK_COMPLETE_EVENT}


@pytest.mark.rig("spans")
@pytest.mark.usefixtures("spans")
def test_octets_come_across_unchanged() -> None:
    sent = np.random.default_rng(1).integers(0, 256, 1600, np.uint8).tobytes()
    with open_channels(2, 2 + FAR) as (near, far):
        fcntl.ioctl(near, HOOK, struct.pack("=i", OFF_HOOK))
        heard, left = b"", sent
        deadline_s = time.monotonic() + 20
        while sent not in heard and time.monotonic() < deadline_s:
            left = left[write_some(near, left[:160]) :]
            heard += read_some(far)
            time.sleep(0.005)
    assert sent in heard


def write_some(fd: int, data: bytes) -> int:
    try:
        return os.write(fd, data) if data else 0
    except OSError as error:
        return take_event(fd, error)


def read_some(fd: int) -> bytes:
    try:
        return os.read(fd, 4096)
    except OSError as error:
        return bytes(take_event(fd, error))


def take_event(fd: int, error: OSError) -> int:
    if error.errno == EVENT_WAITS:
        fcntl.ioctl(fd, GET_EVENT, bytes(4))
    elif not isinstance(error, BlockingIOError):
        raise error
    return 0


@pytest.mark.rig("spans")
@pytest.mark.usefixtures("spans")
def test_channels_belong_to_a_group_that_a_service_can_have() -> None:
    node = Path("/dev/dahdi/channel")
    assert (node.group(), node.stat().st_mode & 0o777) == ("dialout", 0o660)
