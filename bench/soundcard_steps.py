"""Where the processor goes when one card of eight inputs is captured: the steps, in instructions for a second of sound.

The virtual rig's clock counts instructions, two nanoseconds each, so the processor time of a thread is a count there.
What stands beside the steps is the least that anybody has to do: take the octets from ALSA and append them to files.
Needs the rig's loopback cards, and says so where they are not::

    python -m hil.rig run -- /opt/linetap/bin/python bench/soundcard_steps.py
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, final

from appliance.capture.host import COMMANDS
from appliance.capture.pipe import ChildPipe
from appliance.capture.protocol import Alive
from drivers.contract import SessionSink, TapEvent
from drivers.taps.soundcard import Options, Tap
from drivers.taps.soundcard._alsa import AlsaStream
from drivers.taps.soundcard._inputs import Inputs
from drivers.taps.soundcard._meter import Meter
from drivers.taps.soundcard._stream import Wake
from drivers.taps.soundcard._vox import VoxRules
from drivers.taps.soundcard.cards import cards
from hil import loop_cards

CARD: Final = "L0"
RATE_HZ: Final = 8000
_WARM_BLOCKS: Final = 20  # the interpreter learns what it runs often
_NS: Final = 2  # of an instruction
_FRAMES: Final = "frames"

Steps = dict[str, list[int]]


def main() -> int:
    """Run it; 0 in any case: it judges nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    arguments = parser.parse_args()
    if CARD not in {card.id for card in cards()}:
        print("skipped: needs the loopback cards of the virtual rig, see docs/rig.md")
        return 0
    steps: Steps = {}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        tones = loop_cards.tones_of(0)
        with loop_cards.playing_tones(Path(folder), CARD, tones, RATE_HZ):
            # As in the tap: a thread has memory of its own, which costs more.
            card = threading.Thread(target=capture, args=(Path(folder), arguments.blocks, steps), name="card")
            card.start()
            card.join()
            beats = beat(arguments.blocks)
    frames = steps.pop(_FRAMES)
    a_second = {name: round(sum(counts) * RATE_HZ / sum(frames)) for name, counts in steps.items()}
    a_second["proof of life, with meters"] = round(statistics.mean(beats))
    for name, instructions in a_second.items():
        print(f"{name:26} {instructions:9,} instructions a second")
    print(f"{len(frames)} blocks of {statistics.median(frames):.0f} frames")
    if arguments.json:
        print(json.dumps({"instructions_a_second": a_second, "blocks": len(frames), "frames": sum(frames)}))
    return 0


def capture(folder: Path, blocks: int, steps: Steps) -> None:
    """Capture blocks of half a second and count what each step takes."""
    options = card_options()
    inputs = Inputs(options.card_lines, RATE_HZ)
    meter = Meter([1] * loop_cards.CHANNELS, RATE_HZ, VoxRules())
    paths = [folder / f"{number}.pcm" for number in range(loop_cards.CHANNELS)]
    files = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND) for path in paths]
    wake, poll = Wake(), select.poll()
    stream = AlsaStream(options, wake)
    for descriptor, events in stream.descriptors():
        poll.register(descriptor, events)
    for number in range(_WARM_BLOCKS + blocks):
        into = steps if number >= _WARM_BLOCKS else {}
        poll.poll(2000)
        with counted("read from ALSA", into):
            block = stream.read()
        if block is None:
            continue
        into.setdefault(_FRAMES, []).append(block.frames)
        with counted("inputs made rows", into):
            portion = inputs.take(*block.parts)
        with counted("meter and voice", into):
            meter.take(portion, block.read_s)
        with counted("eight files appended to", into):
            for file, row in zip(files, portion.pcm, strict=True):
                os.write(file, row.data)
    stream.close()
    wake.close()
    for file in files:
        os.close(file)


def beat(times: int) -> list[int]:
    """Let a tap capture the card, and count what its worker takes to tell once a second that it lives."""
    options = card_options()
    tap, told = Tap(options, Tap.plan(options)[0]), []
    ours, theirs = socket.socketpair()
    pipe = ChildPipe(theirs.detach(), COMMANDS)
    with ours, contextlib.closing(pipe), contextlib.closing(tap):
        tap.open(Unheard())
        time.sleep(2)
        for _ in range(_WARM_BLOCKS + times):
            begun_ns = time.thread_time_ns()
            tap.poll()
            pipe.send(Alive(meter=tap.meter()))
            pipe.receive(0.02)
            told.append((time.thread_time_ns() - begun_ns) // _NS)
            ours.recv(1 << 16)
    return told[_WARM_BLOCKS:]


@final
class Unheard:
    """A host of a tap that captures nothing: facts go nowhere."""

    def emit(self, event: TapEvent) -> None:
        """Forget it."""

    def session(self, line: str) -> SessionSink:
        """Refuse it."""
        raise OSError(f"nothing is captured of {line}")


def card_options() -> Options:
    """Give the options of a tap of the whole card."""
    return Options.model_validate(
        {
            "name": CARD,
            "kind": "soundcard",
            "backend": "alsa",
            "device": loop_cards.capture_side(CARD),
            "channels": loop_cards.CHANNELS,
            "card_rate_hz": RATE_HZ,
        }
    )


@contextlib.contextmanager
def counted(name: str, steps: Steps) -> Iterator[None]:
    """Count the instructions of this thread meanwhile, the kernel's for it among them."""
    begun_ns = time.thread_time_ns()
    yield
    steps.setdefault(name, []).append((time.thread_time_ns() - begun_ns) // _NS)


if __name__ == "__main__":
    raise SystemExit(main())
