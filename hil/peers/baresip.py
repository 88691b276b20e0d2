"""A SIP phone of another make: Debian's baresip, without a sound card, in a process and a folder of its own.

It answers by itself or by order, plays a WAV file, keeps what it hears, and tells what happens to it over its control
port of the loopback. From Python, blocking::

    with Baresip(folder, user="5003", registrar="127.0.0.1:5080") as phone:
        phone.wait("REGISTER_OK", timeout_s=5)
        phone.wait("CALL_ESTABLISHED", timeout_s=5)
        phone.order("hangup")
    pcm = phone.heard()
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import threading
import time
import wave
from pathlib import Path
from typing import Any, Final, Literal, Self, final

import numpy as np
import numpy.typing as npt

from hil.processes import end_or_kill

PROGRAM: Final = shutil.which("baresip")
RATE_HZ: Final = 8000
_MODULES: Final = Path("/usr/lib/baresip/modules")
_START_S: Final = 5.0
_END_S: Final = 3.0
_PORT_TRIES: Final = 50
_SOUND_S: Final = 60  # of quiet noise, where no sound is given: a phone that sends nothing would be none


@final
class BaresipError(Exception):
    """The phone did not get as far as was waited for; the text holds what it told."""


@final
class Baresip:
    """The process of one phone; a context manager that leaves none behind.

    Parameters
    ----------
    registrar
        ``host:port`` where it registers as ``user``, without a password; empty: it is called at its :attr:`port`.
    answers
        ``auto`` at once, ``manual`` by the order ``accept``, ``early`` the same, with its sound before that.
    sound
        Mono 16-bit WAV file of 8 kHz that it plays once.
    calls
        Calls that it takes at once; one more hears 486.
    """

    def __init__(
        self,
        folder: Path,
        *,
        user: str = "5003",
        registrar: str = "",
        answers: Literal["auto", "manual", "early"] = "auto",
        sound: Path | None = None,
        calls: int = 4,
    ) -> None:
        self.port, self._control_port = _free_ports()
        self._folder = folder
        self._user, self._registrar, self._answers = user, registrar, answers
        self._sound, self._calls = sound, calls
        self._told: list[dict[str, Any]] = []
        self._change = threading.Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._reader: threading.Thread | None = None

    # --- what happens -----------------------------------------------------------------------------------------------

    def facts(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Give what it told so far, or every such event, in order: its own names, ``type`` and ``param`` among them."""
        with self._change:
            return [fact for fact in self._told if kind in {None, fact["type"]}]

    def wait(self, kind: str, *, timeout_s: float, count: int = 1) -> dict[str, Any]:
        """Wait for the event, or its ``count``-th; gives it. Raises BaresipError at the time-out."""
        end_s = time.monotonic() + timeout_s
        with self._change:
            while True:
                found = [fact for fact in self._told if fact["type"] == kind]
                if len(found) >= count:
                    return found[count - 1]
                if not self._change.wait(end_s - time.monotonic()):
                    told = [(fact["type"], fact.get("param", "")) for fact in self._told]
                    raise BaresipError(f"{len(found)} of {count} {kind} within {timeout_s} s: {told}\n{self._log()}")

    @property
    def digits(self) -> str:
        """Digits that it decoded from RTP events, or took from INFO."""
        return "".join(fact["param"] for fact in self.facts("CALL_DTMF_START"))

    def order(self, command: str, parameters: str = "") -> None:
        """Give one of its own commands: accept, hangup, dial, ..."""
        assert self._control is not None
        octets = json.dumps({"command": command, **({"params": parameters} if parameters else {})}).encode()
        self._control.sendall(b"%d:%b," % (len(octets), octets))

    def heard(self) -> npt.NDArray[np.int16]:
        """Give what it heard in its longest call; when it is closed, since the file's header is written then."""
        pcm = [_read(path) for path in self._folder.glob("dump-*-dec.wav")]
        return max(pcm, key=len, default=np.zeros(0, np.int16))

    # --- life -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it, and wait until it can be told things."""
        assert PROGRAM is not None, "baresip is not installed"
        self._folder.mkdir(parents=True, exist_ok=True)
        sound = self._sound or _quiet(self._folder / "quiet.wav")
        (self._folder / "config").write_text(self._filled(_CONFIG, sound=sound), encoding="utf-8")
        (self._folder / "accounts").write_text("", encoding="utf-8")
        with (self._folder / "baresip.log").open("ab") as log:
            command = [PROGRAM, "-f", str(self._folder)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._control = self._connect()
        self._reader = threading.Thread(target=self._read, args=(self._control,), daemon=True)
        self._reader.start()
        self.order("uanew", self._filled(_ACCOUNT))  # now that its events are heard

    def _filled(self, text: str, **values: Any) -> str:
        values |= {
            "modules": _MODULES,
            "folder": self._folder,
            "port": self.port,
            "control_port": self._control_port,
            "calls": self._calls,
            "user": self._user,
            "domain": self._registrar or f"127.0.0.1:{self.port}",
            "answers": self._answers,
            "register_s": 60 if self._registrar else 0,
        }
        return text.format_map(values)

    def _connect(self) -> socket.socket:
        end_s = time.monotonic() + _START_S
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self._control_port), 1)
            except OSError:
                if time.monotonic() > end_s:
                    self.close()
                    raise BaresipError(self._log()) from None
                time.sleep(0.02)

    def _read(self, control: socket.socket) -> None:
        """Take its netstrings of JSON: events, and answers to orders."""
        control.settimeout(None)
        with control.makefile("rb") as stream:
            while (length := _digits_of(stream)) is not None:
                fact = json.loads(stream.read(length + 1)[:-1])
                if fact.get("event"):
                    with self._change:
                        self._told.append(fact)
                        self._change.notify_all()

    def kill(self) -> None:
        """Let it vanish: it says goodbye to nobody."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Hang up and end it; kills one that does not end within 3 s."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            end_or_kill(process, _END_S)
        if self._control is not None:
            self._control.close()
        if self._reader is not None:
            self._reader.join(_END_S)

    def _log(self) -> str:
        return (self._folder / "baresip.log").read_text(errors="replace")[-2000:]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_CONFIG: Final = """\
poll_method epoll
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
call_local_timeout 120
call_max_calls {calls}
audio_buffer 20
audio_source aufile,{sound}
audio_player aubridge,nobody
audio_alert aubridge,nobody
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
jitter_buffer_delay 5-10
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control_port}
snd_path {folder}
ringback_disabled yes
statmode_default off
"""

_ACCOUNT: Final = "<sip:{user}@{domain}>;answermode={answers};regint={register_s};audio_codecs=pcmu"


def _digits_of(stream: Any) -> int | None:
    """Length of the next netstring; None at the end."""
    text = b""
    while (octet := stream.read(1)) not in {b"", b":"}:
        text += octet
    return int(text) if octet and text else None


def _quiet(path: Path) -> Path:
    pcm = np.random.default_rng(1).normal(0, 3, _SOUND_S * RATE_HZ).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(pcm.tobytes())
    return path


def _read(path: Path) -> npt.NDArray[np.int16]:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE_HZ, 1)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def _free_ports() -> tuple[int, int]:
    """A port that is free for UDP and TCP, and one for TCP."""
    for _ in range(_PORT_TRIES):
        with (
            socket.socket() as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            socket.socket() as control,
            contextlib.suppress(OSError),  # taken by another for UDP
        ):
            tcp.bind(("127.0.0.1", 0))
            udp.bind(tcp.getsockname())
            control.bind(("127.0.0.1", 0))
            return int(tcp.getsockname()[1]), int(control.getsockname()[1])
    raise BaresipError("no free port")
