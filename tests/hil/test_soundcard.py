"""The sound-card driver on the kernel's own cards: many lines at once, cards that are pulled, buffers that run over."""

from __future__ import annotations

import contextlib
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.contract import LossReason
from drivers.taps.soundcard.cards import cards
from tests.unit.drivers.soundcard.card import CardHost, CardSink
from tests.wires.soundcard.loopback import CHANNELS, playing, plug, tapped, tone_file, until
from tests.wires.soundcard.pulse import phase_jumps

pytestmark = pytest.mark.rig("sound-loop")

ROOT = Path(__file__).parents[2]
RULES = Path("/etc/udev/rules.d")
LINES = [str(n) for n in range(1, CHANNELS + 1)]


def tones_of(card: int) -> list[int]:
    return [300 + 50 * (CHANNELS * card + n) for n in range(CHANNELS)]


@pytest.mark.parametrize("rate_hz", [8000, 48000])
def test_32_lines_are_whole(rate_hz: int, tmp_path: Path) -> None:
    sinks = {(card, line): CardSink(f"{card}-{line}") for card in range(4) for line in LINES}
    files = [tone_file(tmp_path, tones_of(card), rate_hz, 30) for card in range(4)]
    with contextlib.ExitStack() as stack:
        taps = [stack.enter_context(tapped(f"L{card}", rate_hz, CardHost())) for card in range(4)]
        for card in range(4):
            stack.enter_context(playing(files[card], f"L{card}"))
        time.sleep(2)
        for (card, line), sink in sinks.items():
            taps[card].start(line, sink)
        time.sleep(20)
        for card, line in sinks:
            taps[card].stop(line)
    for (card, line), sink in sinks.items():
        pcm = sink.legs[0].pcm
        assert sink.legs[0].losses == []
        assert len(pcm) / 8000 == pytest.approx(20, abs=0.5)
        assert phase_jumps(pcm[400:-400], tones_of(card)[int(line) - 1], 8000) < 0.01
        assert sink.facts["overruns"] == 0
        assert sink.facts["leg0"]["level_dbfs"] == pytest.approx(-16, abs=0.1)
        assert abs(sink.facts["drift_ppm"]) < 200


def test_a_card_pulled_in_8_calls_is_one_gap_in_each_and_none_in_the_others() -> None:
    host, calm = CardHost(), CardHost()
    pulled = {line: CardSink(line) for line in LINES}
    other = CardSink("other")
    with tapped("L0", 48000, host) as tap, tapped("L1", 48000, calm) as neighbour:
        begun_s = time.monotonic()
        neighbour.start("1", other)
        for line, sink in pulled.items():
            tap.start(line, sink)
        time.sleep(3)
        plug(0, there=False)
        away_s = time.monotonic()
        time.sleep(5)
        plug(0, there=True)
        away_s = time.monotonic() - away_s
        until(lambda: len(pulled["1"].legs[0].pcm) > 5 * 8000)
        for line in LINES:
            tap.stop(line)
        neighbour.stop("1")
        lasted_s = time.monotonic() - begun_s
    for sink in pulled.values():
        leg = sink.legs[0]
        begins = [at for at, _, _ in leg.losses]
        ends = [at + frames for at, frames, _ in leg.losses]
        assert begins[1:] == ends[:-1], "more than one gap"
        # What the card held unread goes with it, half a second at most; it is looked for twice a second.
        assert away_s - 0.1 < (ends[-1] - begins[0]) / 8000 < away_s + 1.3
        assert 2.3 < begins[0] / 8000 < 3.3
        assert {reason for _, _, reason in leg.losses} == {LossReason.UNPLUGGED}
        assert leg.frames / 8000 == pytest.approx(lasted_s, abs=0.3)
        assert sink.facts["reopened"] == 1
    assert other.legs[0].losses == []


def test_a_buffer_that_ran_over_is_a_gap_of_its_length(tmp_path: Path) -> None:
    host, sink = CardHost(), CardSink("s")
    path = tone_file(tmp_path, tones_of(2), 8000, 30)
    with tapped("L2", 8000, host, period_ms=200, buffer_ms=1000) as tap, playing(path, "L2"):
        time.sleep(2)
        begun_s = time.monotonic()
        tap.start("1", sink)
        time.sleep(3)
        with tap._lock:
            time.sleep(2)
        time.sleep(3)
        tap.stop("1")
        lasted_s = time.monotonic() - begun_s
    leg = sink.legs[0]
    assert sink.facts["overruns"] == 1
    assert {reason for _, _, reason in leg.losses} == {LossReason.OVERFLOW}
    assert 0.5 < sum(frames for _, frames, _ in leg.losses) / 8000 < 2.1
    assert leg.frames / 8000 == pytest.approx(lasted_s, abs=0.1)
    at = leg.losses[0][0]
    for part in (leg.pcm[: at - 400], leg.pcm[at + 400 : -400]):
        assert phase_jumps(part, tones_of(2)[0], 8000) < 0.005


def udev(*words: str) -> str:
    done = subprocess.run(["udevadm", *words], check=True, capture_output=True, text=True, timeout=60)
    return done.stdout


@pytest.fixture
def named_card() -> Iterator[Path]:
    """Card L3 by the name LINEX, as the rules that ship and a site's own would have it."""
    (card,) = (card for card in cards() if card.id == "L3")
    site, ours = RULES / "84-linetap-cards.rules", RULES / "85-linetap-sound.rules"
    site.write_text(card.rules("LINEX")["port"] + "\n")
    shutil.copy(ROOT / "udev" / ours.name, ours)
    try:
        _plug_again(3)
        yield Path("/dev/rec/linex")
    finally:
        site.unlink()
        ours.unlink()
        _plug_again(3)


def _plug_again(number: int) -> None:
    udev("control", "--reload")
    plug(number, there=False)
    udev("settle")
    plug(number, there=True)
    udev("settle")


def test_a_named_card_keeps_its_name_when_it_is_plugged(named_card: Path) -> None:
    (card,) = (card for card in cards() if card.id == "LINEX")
    assert (card.port, card.inputs) == ("snd_aloop.3", (0, 1))
    status = named_card.stat()
    assert stat.S_IMODE(status.st_mode) == 0o660
    assert named_card.group() == "audio"
    properties = udev("info", "--query=property", f"--name={named_card}")
    assert "SYSTEMD_WANTS=linetap.service" in properties
    assert ":systemd:" in properties
    with tapped("LINEX", 8000, CardHost()) as tap:
        sink = CardSink("s")
        tap.start("1", sink)
        until(lambda: len(sink.legs[0].pcm) > 4000)
        tap.stop("1")
    plug(3, there=False)
    udev("settle")
    assert not named_card.exists()
    plug(3, there=True)
    udev("settle")
    assert named_card.exists()
