"""Sound cards without a kernel's: a private PulseAudio with null sinks, and ALSA PCMs on what they play.

What is played into a sink comes out of its monitor at the pace of a clock, as of a card. ALSA and PortAudio find the
monitors by the names of the sinks, in a configuration of their own.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

_START_S = 15.0


@final
class Pulse:
    """A running server; its sinks are cards by their names for whoever has :attr:`environment`."""

    def __init__(self, folder: Path, sinks: Mapping[str, tuple[int, int]]) -> None:
        """Prepare a server; ``sinks`` are (channels, rate) by name."""
        self._folder = folder
        self._sinks = sinks
        self._server: subprocess.Popen[bytes] | None = None
        self._players: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **{name: str(folder) for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH", "PULSE_STATE_PATH")},
            "PULSE_SERVER": f"unix:{self._socket}",
            "ALSA_CONFIG_PATH": str(folder / "asound.conf"),
        }

    @property
    def _socket(self) -> Path:
        return self._folder / "native"

    def start(self) -> None:
        """Start the server, or start it again, and wait until it answers."""
        (self._folder / "asound.conf").write_text("".join(["</usr/share/alsa/alsa.conf>\n", *map(_pcm, self._sinks)]))
        script = [f"load-module module-native-protocol-unix socket={self._socket} auth-anonymous=1"]
        script += [_sink(name, *shape) for name, shape in self._sinks.items()]
        (self._folder / "server.pa").write_text("\n".join([*script, ""]))
        options = ("--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes")
        with (self._folder / "server.log").open("ab") as log:
            command = ["pulseaudio", "-n", "-F", str(self._folder / "server.pa"), *options]
            self._server = subprocess.Popen(command, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until_s = time.monotonic() + _START_S
        while self._pactl("info").returncode:
            assert time.monotonic() < until_s, (self._folder / "server.log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Kill the server: its cards are gone, and what plays on them."""
        for process in [*self._players, *([self._server] if self._server else [])]:
            process.kill()
            process.wait()
        self._players.clear()
        self._server = None
        self._socket.unlink(missing_ok=True)

    def suspend(self, sink: str, *, suspended: bool) -> None:
        """Let a sink's card stand still without an error, or go on."""
        done = self._pactl("suspend-sink", sink, "1" if suspended else "0")
        assert done.returncode == 0, done.stderr

    def play(self, sink: str, pcm: npt.NDArray[np.int16], rate_hz: int) -> subprocess.Popen[bytes]:
        """Play samples of shape (frames, channels) into a sink, and go on meanwhile."""
        path = self._folder / f"{sink}-{len(self._players)}.wav"
        soundfile.write(path, pcm, rate_hz)
        places = f"--channel-map={_places(pcm.shape[1])}"
        command = ["paplay", "--latency-msec=1000", places, "-d", sink, str(path)]
        player = subprocess.Popen(command, env=self._env, stdin=subprocess.DEVNULL)
        self._players.append(player)
        return player

    @property
    def _env(self) -> dict[str, str]:
        return {**os.environ, **self.environment}

    def _pactl(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = ["timeout", "5", "pactl", *words]
        return subprocess.run(command, env=self._env, capture_output=True, text=True, check=False)


def _sink(name: str, channels: int, rate_hz: int) -> str:
    shape = f"rate={rate_hz} channels={channels} channel_map={_places(channels)}"
    return f"load-module module-null-sink sink_name={name} {shape} norewinds=1"  # else it renders two seconds at once


def _places(channels: int) -> str:
    return {1: "mono", 2: "front-left,front-right", 4: "front-left,front-right,rear-left,rear-right"}[channels]


def _pcm(name: str) -> str:
    return f"pcm.{name} {{ type pulse device {name}.monitor }}\n"


@contextlib.contextmanager
def pulse(sinks: Mapping[str, tuple[int, int]]) -> Iterator[Pulse]:
    """Run a server of one's own; the process and its children find its cards."""
    with tempfile.TemporaryDirectory(prefix="pulse-") as folder, pytest.MonkeyPatch.context() as patch:
        server = Pulse(Path(folder), sinks)
        for name, value in server.environment.items():
            patch.setenv(name, value)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def tones(frequencies_hz: list[int], rate_hz: int, seconds: float, peak: float = 0.1585) -> npt.NDArray[np.int16]:
    """Sines, one a channel; the peak of -16 dBFS is 0.1585."""
    frames = np.arange(round(seconds * rate_hz), dtype=np.int64)[:, None]
    turns = frames * np.array(frequencies_hz) % rate_hz / rate_hz
    pcm: npt.NDArray[np.int16] = np.round(peak * 32767 * np.sin(2 * np.pi * turns)).astype(np.int16)
    return pcm


def phase_jumps(pcm: npt.NDArray[np.int16], frequency_hz: float, rate_hz: int) -> float:
    """How far, in turns, a sine's phase strays from a steady one; a lost frame makes frequency / rate of it."""
    block = rate_hz // 20
    samples = pcm[: len(pcm) // block * block].astype(float)
    carrier = np.exp(-2j * np.pi * frequency_hz * np.arange(len(samples)) / rate_hz)
    sums = (samples * carrier).reshape(-1, block).sum(axis=1)
    assert np.abs(sums).min() > 0.5 * np.abs(sums).max(), "the tone fades"
    turned = np.angle(sums / sums[len(sums) // 2]) / (2 * np.pi)
    return float(np.abs(turned).max())
