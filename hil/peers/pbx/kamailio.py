"""Debian's Kamailio as the PBX's registrar and proxy."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self, final

from hil.ports import free_udp_ports

REALM = "pbx.example"
PASSWORD = "secret"  # noqa: S105 -- of tests alone
_TABLES = Path("/usr/share/kamailio/dbtext/kamailio")
_START_S = 5.0


@final
class Pbx:
    """A registrar with digest for one account, on a free port of the loopback; a context manager.

    Calls to what is registered go to it; with a ``bridge_port``, set before the start, through that peer first.
    Subscriptions go to ``notifier_port``, or are refused; with ``tells`` it tells of its phones' calls itself, by the
    modules of Debian's kamailio-presence-modules. A stopped one can be started again on the same port.
    """

    def __init__(
        self,
        folder: Path,
        *,
        user: str = "box",
        password: str = PASSWORD,
        tells: bool = False,
    ) -> None:
        self._tells = tells
        self.notifier_port = self.bridge_port = 0
        (self.port,) = free_udp_ports(1)
        self.domain = f"127.0.0.1:{self.port}"
        self._folder = folder
        self._values = {
            "PORT": self.port,
            "USER": user,
            "PASSWORD": password,
            "REALM": REALM,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def can_tell() -> bool:
        """Whether the modules for ``tells`` are there."""
        return any(Path("/usr/lib").glob("*/kamailio/modules/pua_dialoginfo.so"))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program = shutil.which("kamailio", path="/usr/sbin:/usr/bin")
        assert program is not None, "kamailio is not installed"
        modules = next(iter(sorted(Path("/usr/lib").glob("*/kamailio/modules"))))
        text = Path(__file__).with_name("kamailio.cfg").read_text(encoding="utf-8")
        for name, value in {**self._values, **self._own(modules)}.items():
            text = text.replace(f"@{name}@", str(value))
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._tells:
            shutil.copytree(_TABLES, self._folder / "tables", dirs_exist_ok=True)
        configuration = self._folder / "pbx.cfg"
        configuration.write_text(text, encoding="utf-8")
        with (self._folder / "pbx.log").open("ab") as log:
            command = [program, "-f", str(configuration), "-DD", "-E", "-m", "32", "-M", "4", "-Y", str(self._folder)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self._wait()

    def _own(self, modules: Path) -> dict[str, str | int]:
        return {
            "MODULES": str(modules),
            "NOTIFIER_PORT": self.notifier_port,
            "BRIDGE_PORT": self.bridge_port,
            "FOLDER": str(self._folder),
            "TELLS": "#!define TELLS" if self._tells else "",
        }

    def knows(self, user: str) -> bool:
        """Whether a phone of that number is registered."""
        return self._ask(f"sip:{user}@{self.domain}", hops=1).startswith("SIP/2.0 200")

    def _wait(self) -> None:
        end_s = time.monotonic() + _START_S
        while time.monotonic() < end_s:
            if self._ask(f"sip:{self.domain}", hops=0):
                return
        self.stop()
        raise TimeoutError((self._folder / "pbx.log").read_text(errors="replace")[-2000:])

    def stop(self) -> None:
        """End it with all its processes; what was registered is forgotten."""
        process, self._process = self._process, None
        if process is None:
            return
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(4)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _ask(self, uri: str, *, hops: int) -> str:
        """Send OPTIONS; gives the answer, empty if none comes within 0.1 s."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            probe.settimeout(0.1)
            host, port = probe.getsockname()
            lines = [
                f"OPTIONS {uri} SIP/2.0",
                f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bKprobe{port}",
                f"Max-Forwards: {hops}",
                "From: <sip:probe@127.0.0.1>;tag=1",
                f"To: <{uri}>",
                f"Call-ID: probe{port}",
                "CSeq: 1 OPTIONS",
                "Content-Length: 0",
            ]
            probe.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), ("127.0.0.1", self.port))
            try:
                return probe.recv(4096).decode(errors="replace")
            except OSError:
                return ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
