"""What a phone hears of a recording that the box plays to it: how like it is, and how late after the phone's answer.

The peer of the same run is PJSIP itself: a phone process that calls the same phone and plays the same file with its own
player. Both hear through the phone's jitter buffer of 200 ms, which is the least that a lag here can be. Where Debian's
baresip is installed, the box plays to that too: a phone of another make, which tells no moment of what it heard.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.audio import measure
from hil.child_box import ChildBox
from hil.peers.baresip import PROGRAM, Baresip
from hil.peers.call_plan import CallPlan
from hil.peers.sip_caller import SipCaller
from hil.peers.sip_phone import SipPhone
from hil.ports import free_tcp_ports

RATE_HZ: Final = 8000
LIKENESS: Final = 0.99
Pcm = npt.NDArray[np.int16]


def write_noise(path: Path, seconds: float) -> Pcm:
    """Write noise that is like nothing else; gives it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pcm = np.random.default_rng(21).normal(0, 3000, round(seconds * RATE_HZ)).astype(np.int16)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(pcm.tobytes())
    return pcm


def judge(phone: SipPhone, record: Path, said: Pcm) -> dict[str, float]:
    """Find the sound in what a closed phone heard; gives likeness and lag."""
    with wave.open(str(record)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    found = measure.find_offset(said, heard)
    begun_s = phone.facts("ready")[0].details["recording_at_s"] + found.frames / RATE_HZ
    lag_s = begun_s - phone.facts("answered")[0].at_s
    return {"likeness": round(found.likeness, 5), "lag_ms": round(1000 * lag_s, 1)}


def by_box(folder: Path, seconds: float) -> dict[str, float]:
    """Have a box play to a phone, which hangs up afterwards."""
    record = folder / "box.wav"
    with SipPhone(record=str(record)) as phone, box_plays(folder, phone.port, seconds) as said:
        phone.wait("answered", timeout_s=10)
        time.sleep(seconds + 1)
        phone.hang_up()
        phone.wait("ended", timeout_s=5)
    return judge(phone, record, said)


def by_box_to_baresip(folder: Path, seconds: float) -> dict[str, float]:
    """Have a box play to a phone of another make; that tells no moment of what it heard."""
    with Baresip(folder / "phone") as phone, box_plays(folder, phone.port, seconds) as said:
        phone.wait("CALL_ESTABLISHED", timeout_s=10)
        time.sleep(seconds + 1)
        phone.order("hangup")
        phone.wait("CALL_CLOSED", timeout_s=5)
    return {"likeness": round(measure.find_offset(said, phone.heard()).likeness, 5)}


@contextlib.contextmanager
def box_plays(folder: Path, port: int, seconds: float) -> Iterator[Pcm]:
    """Order a playback to the phone at a port from a box of its own; gives what is played."""
    commands, events, web, sip = free_tcp_ports(4)
    tap = {"name": "trunk", "kind": "sip", "front": "none", "port": sip, "calls": 1}
    taps = [{**tap, "rtp_ports": 36_000, "dial_uri": f"sip:{{number}}@127.0.0.1:{port}"}]
    sections = {"recording": {"reserve_mb": 10}}
    with ChildBox(folder / "box", taps=taps, sections=sections, ports=(commands, events, web)) as box:
        file = box.recording_path / "said.wav"
        said = write_noise(file, seconds)
        with box.client() as client:
            client.request({"TYPE": "EXTENSIONPLAYBACKSTART", "DEVICE": "5003", "FILENAME": str(file)})
            yield said


def by_pjsip(folder: Path, seconds: float) -> dict[str, float]:
    """Have another PJSIP play to a phone."""
    record = folder / "pjsip.wav"
    said = write_noise(folder / "said.wav", seconds)
    with SipPhone(record=str(record)) as phone:
        plan = CallPlan(
            number=0, uri=f"sip:5003@127.0.0.1:{phone.port}", sounds=(str(folder / "said.wav"),), duration_s=seconds + 1
        )
        with SipCaller([plan]) as caller:
            caller.wait_over(timeout_s=seconds + 15)
            phone.wait("ended", timeout_s=5)
    return judge(phone, record, said)


def summary(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Worst likeness, and the lags where they are known."""
    told = {"least_likeness": min(one["likeness"] for one in rounds)}
    lags = [one["lag_ms"] for one in rounds if "lag_ms" in one]
    return {**told, **({"median_lag_ms": statistics.median(lags), "longest_lag_ms": max(lags)} if lags else {})}


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of the recording")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    ways: dict[str, Callable[[Path, float], dict[str, float]]] = {"box": by_box, "pjsip": by_pjsip}
    if PROGRAM is not None:
        ways["box_to_baresip"] = by_box_to_baresip
    found: dict[str, list[dict[str, float]]] = {who: [] for who in ways}
    with tempfile.TemporaryDirectory(prefix="bench-playback-") as name:
        for number in range(arguments.rounds):
            for who, measured in ways.items():
                folder = Path(name) / f"{who}{number}"
                folder.mkdir()
                found[who].append(measured(folder, arguments.seconds))
                print(who, found[who][-1])
    figures: dict[str, Any] = {who: summary(rounds) for who, rounds in found.items()}
    figures |= {"seconds": arguments.seconds, "rounds": arguments.rounds}
    if arguments.json:
        print(json.dumps(figures))
    return 0 if all(figures[who]["least_likeness"] >= LIKENESS for who in ways) else 1


if __name__ == "__main__":
    raise SystemExit(main())
