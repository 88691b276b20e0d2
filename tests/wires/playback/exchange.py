"""A box, its PBX, what it plays, and the phones there."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
import wave
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.audio import measure
from hil.child_box import ChildBox
from hil.peers.baresip import Baresip
from hil.peers.call_plan import CallPlan
from hil.peers.pbx import Notifier, Pbx
from hil.peers.sip_caller import SipCaller, write_tone
from hil.peers.sip_phone import SipPhone
from tests.contract.kinds import free_sip_port
from tests.e2e.desk import Desk

RATE_HZ = 8000
PLAYED_S = 4.0
Pcm = npt.NDArray[np.int16]


class Exchange:
    """The box, its PBX, and what is played: noise that is like nothing else.

    With ``bridged`` every call to an extension goes over the conference bridge of our own; else straight to the phone.
    """

    def __init__(self, folder: Path, stack: ExitStack, *, bridged: bool = True, **options: Any) -> None:
        self.folder = folder
        self.notifier = stack.enter_context(Notifier())
        self.pbx = Pbx(folder / "pbx")
        self.pbx.notifier_port = self.notifier.port
        if bridged:
            bridge = SipPhone(user="bridge", bridge=True, next_hop=f"sip:{{number}}@{self.pbx.domain}")
            self.bridge = stack.enter_context(bridge)
            self.pbx.bridge_port = self.bridge.port
        stack.enter_context(self.pbx)
        (folder / "password").write_text("secret\n")
        account = {"user": "box", "domain": self.pbx.domain, "password_file": str(folder / "password")}
        tap = {"name": "trunk", "kind": "sip", "front": "none", "calls": 2, "rtp_ports": 35_000}
        more = {"accounts": [account], "assign": {"1": "playback"}, "digit_pause_s": 0.2, **options}
        taps = [{**tap, "port": free_sip_port(), **more}]
        sections = {"recording": {"holdback_s": 2, "reserve_mb": 10}}
        self.box = stack.enter_context(ChildBox(folder, taps=taps, sections=sections))
        self.desk = stack.enter_context(Desk(self.box))
        self.file = self.box.recording_path / "20261101" / "said.wav"
        self.file.parent.mkdir(parents=True)
        self.said = write_noise(self.file, PLAYED_S, 11)

    @contextmanager
    def phone(self, user: str, **plan: Any) -> Iterator[SipPhone]:
        """Put a phone of our own at the PBX."""
        record = str(self.folder / f"{user}.wav")
        with SipPhone(user=user, registrar=self.pbx.domain, record=record, **plan) as phone:
            phone.wait("registered", timeout_s=5)
            yield phone

    @contextmanager
    def baresip(self, user: str, **plan: Any) -> Iterator[Baresip]:
        """Put a phone of another make there."""
        with Baresip(self.folder / user, user=user, registrar=self.pbx.domain, **plan) as phone:
            phone.wait("REGISTER_OK", timeout_s=5)
            yield phone

    def ended(self, device: str, count: int = 1) -> list[tuple[str, str]]:
        """Outcome and reason of the playbacks to a device, as the audit has them, oldest first, once there are so many.

        A reason without the SIP answer behind it.
        """
        until_s = time.monotonic() + 8
        while True:
            rows = [row for row in self._audit() if row["phone"] == device]
            if len(rows) >= count:
                return [(row["outcome"], row["reason"]) for row in rows]
            assert time.monotonic() < until_s, rows
            time.sleep(0.1)

    def _audit(self) -> list[dict[str, Any]]:
        with contextlib.closing(sqlite3.connect(f"file:{self.box.data_dir / 'linetap.db'}?mode=ro", uri=True)) as base:
            rows = base.execute("select after from audit where what = 'EXTENSIONPLAYBACKSTART END' order by audit_id")
            return [json.loads(after) for (after,) in rows]

    def until_registered(self, user: str, seconds: float = 6) -> None:
        """Wait until the PBX knows where a number is."""
        until_s = time.monotonic() + seconds
        while not self.pbx.knows(user):
            assert time.monotonic() < until_s, f"{user} is not registered"
            time.sleep(0.05)

    def heard(self, user: str) -> Pcm:
        """What a phone of our own heard."""
        with wave.open(str(self.folder / f"{user}.wav")) as file:
            return np.frombuffer(file.readframes(file.getnframes()), np.int16)

    def play(self, device: str, **values: str) -> None:
        """Have it played to the device."""
        self.desk.send("EXTENSIONPLAYBACKSTART", DEVICE=device, FILENAME=str(self.file), **values)

    def states(self) -> list[tuple[str, str]]:
        """State and extension of each channel."""
        rows = self.desk.send("CHANNELS").rows("CHANNELS/CHANNEL")
        return [(row["STATE"], row["PLAYBACKEXTENSION"]) for row in rows]

    def until(self, state: str, extension: str = "", seconds: float = 8) -> None:
        """Wait until the line for playback is in the state."""
        until_s = time.monotonic() + seconds
        while self.states()[1] != (state, extension):
            assert time.monotonic() < until_s, self.states()
            time.sleep(0.02)

    def check(self, heard: Pcm, level: float = 0.97) -> None:
        """Check that all of what is played was heard."""
        found = measure.find_offset(self.said, heard)
        assert found.likeness > level, found

    @contextmanager
    def customer(self, device: str) -> Iterator[SipCaller]:
        """A customer on the phone with a device, whose voice is a quiet tone."""
        tone = str(write_tone(self.folder / "tone.wav", 441, 40, -40))
        with SipCaller([CallPlan(number=0, uri=f"sip:{device}@{self.pbx.domain}", sounds=(tone,))]) as caller:
            caller.wait("playing", timeout_s=8)
            yield caller


def write_noise(path: Path, seconds: float, seed: int) -> Pcm:
    """Write noise that is like nothing else; gives it."""
    pcm = np.random.default_rng(seed).normal(0, 3000, round(seconds * RATE_HZ)).astype(np.int16)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(pcm.tobytes())
    return pcm
