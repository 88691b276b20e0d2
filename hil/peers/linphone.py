"""A conference of another make: Debian's linphonec as the mixer of a PBX, without a sound card, in its own process.

It registers as the conference's number, takes every call that comes, and adds it to its conference as soon as its
streams are up, so that all callers hear each other.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Final, Self, final

from hil.ports import free_udp_ports
from hil.processes import end_or_kill

PROGRAM: Final = shutil.which("linphonec")
_END_S: Final = 4.0
_INCOMING: Final = re.compile(r"Receiving new incoming call from .*, assigned id (\d+)")
_UP: Final = re.compile(r"Media streams established with .* for call (\d+) ")
_OVER: Final = re.compile(r"Call (\d+) with .* ended")


@final
class Conference:
    """The process; a context manager that leaves none behind. ``members`` are the calls in it, by its own numbers."""

    def __init__(self, folder: Path, *, user: str, registrar: str) -> None:
        self.members: list[int] = []
        self._folder = folder
        self._user, self._registrar = user, registrar
        self._change = threading.Condition()
        self._said: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start it; it registers by itself."""
        assert PROGRAM is not None, "linphonec is not installed"
        (self._folder / ".local/share/linphone").mkdir(parents=True, exist_ok=True)
        port, media_port = free_udp_ports(2)
        text = _CONFIG.format(port=port, media_port=media_port, user=self._user, registrar=self._registrar)
        (self._folder / "linphonerc").write_text(text, encoding="utf-8")
        self._process = subprocess.Popen(
            [PROGRAM, "-c", str(self._folder / "linphonerc")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(self._folder)},
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        for order in ("ipv6 disable", "soundcard use files"):
            self._order(order)

    def wait_members(self, count: int, *, timeout_s: float) -> None:
        """Wait until so many calls are in the conference. Raises TimeoutError with what linphone said."""
        end_s = time.monotonic() + timeout_s
        with self._change:
            while len(self.members) != count:
                if not self._change.wait(end_s - time.monotonic()):
                    raise TimeoutError(f"{self.members} in the conference:\n" + "\n".join(self._said[-30:]))

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._change:
                self._said.append(line.rstrip())
                self._take(line)
                self._change.notify_all()

    def _take(self, line: str) -> None:
        if found := _INCOMING.search(line):
            self._order(f"answer {found[1]}")
        elif found := _UP.search(line):
            if int(found[1]) not in self.members:  # else its streams were made anew by the conference
                self.members.append(int(found[1]))
                self._order(f"conference add {found[1]}")
        elif (found := _OVER.search(line)) and int(found[1]) in self.members:
            self.members.remove(int(found[1]))

    def _order(self, command: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End it; kills one that does not end in time."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.terminate()
        end_or_kill(process, _END_S)
        process.stdin.close()
        if self._reader is not None:
            self._reader.join(_END_S)
        if process.stdout is not None:
            process.stdout.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_CONFIG: Final = """\
[sip]
sip_port={port}
sip_tcp_port=0
sip_tls_port=0
bind_address=127.0.0.1
use_ipv6=0
default_proxy=0
[proxy_0]
reg_proxy=<sip:{registrar}>
reg_identity=sip:{user}@{registrar}
reg_expires=60
reg_sendregister=1
publish=0
[rtp]
audio_rtp_port={media_port}
[video]
enabled=0
capture=0
display=0
automatically_initiate=0
automatically_accept=0
"""
