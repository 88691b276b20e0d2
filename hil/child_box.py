"""A box of one's own as a child process: the real ``linetap run`` on free ports in a folder, driven from outside.

The demonstration, the benchmarks and the end-to-end tests start their boxes here.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, final

import psutil

from appliance.client import Client, EventClient
from hil.ports import free_tcp_ports

HOST = "127.0.0.1"
READY_LINE = "linetap ready"
MARK = "LINETAP_CHILD_BOX"  # in the environment of a box and of all its children
ROOT = Path(__file__).parents[1]
START_S = 30.0
_STEP_S = 0.02
STOP_S = 30.0

Part = Literal["core", "tap workers", "writer", "other"]
_MODULES: dict[str, Part] = {"appliance.capture.host": "tap workers", "appliance.recording.writer": "writer"}


@final
class BoxError(Exception):
    """The box did not do what a box does: start, answer, stop, or leave nothing behind."""


@final
class ChildBox:
    """One box. ``sections`` are settings beside the folders and, unless given, the ports, which are chosen here.

    ``ports`` are those of commands, events and web. With ``apart`` a Ctrl-C at the terminal does not reach the box.
    ``start_s`` is how long it may take until it is ready.

    As a context manager it starts the box, stops it, and raises BoxError when something is left over.
    """

    def __init__(
        self,
        folder: Path,
        *,
        taps: Sequence[Mapping[str, Any]],
        schedules: Sequence[Mapping[str, Any]] = ({"name": "all"},),
        sections: Mapping[str, Mapping[str, Any]] | None = None,
        ports: tuple[int, int, int] | None = None,
        apart: bool = False,
        start_s: float = START_S,
    ) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.run_dir = Path(tempfile.mkdtemp(prefix="linetap-", dir=memory_folder()))
        self.log_path = folder / "box.log"
        self.settings_path = folder / "linetap.toml"
        self.api_port, self.events_port, self.web_port = ports or free_tcp_ports(3)
        self._apart = apart
        self._start_s = start_s
        self.process: subprocess.Popen[bytes] | None = None
        self._mark = uuid.uuid4().hex
        own: dict[str, dict[str, Any]] = {
            "box": {"data_dir": str(self.data_dir), "run_dir": str(self.run_dir)},
            "api": {"port": self.api_port},
            "events": {"port": self.events_port},
            "web": {"port": self.web_port},
        }
        for name, values in (sections or {}).items():
            own.setdefault(name, {}).update(values)
        self.recording_path = Path(own.get("recording", {}).get("path", self.data_dir / "recordings"))
        self.settings_path.write_text(write_toml(own, {"taps": taps, "schedules": schedules}))

    # --- its life ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it and wait until every listener accepts. Raises BoxError with the end of its log."""
        begin = self.log_path.stat().st_size if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance.cli", "run", "--config", str(self.settings_path)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                start_new_session=self._apart,
                env={**os.environ, MARK: self._mark, "PYTHONUNBUFFERED": "1"},
            )
        deadline_s = time.monotonic() + self._start_s
        while READY_LINE.encode() not in self.log_path.read_bytes()[begin:]:
            if self.process.poll() is not None:
                raise BoxError(f"the box ended with {self.process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline_s:
                raise BoxError(f"the box was not ready within {self._start_s:g} s:\n{self.log_tail()}")
            time.sleep(_STEP_S)

    def stop(self, timeout_s: float = STOP_S) -> int:
        """Stop it by SIGTERM; gives its exit code. Raises BoxError if it does not end in time."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise BoxError(f"the box did not stop within {timeout_s} s:\n{self.log_tail()}") from None

    def kill(self) -> None:
        """Kill the core with SIGKILL, and no other process."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Stop it if it runs, and start it again with the same settings and folders."""
        if self.running:
            self.stop()
        self.wait_gone()
        self.start()

    @property
    def running(self) -> bool:
        """Whether its core lives."""
        return self.process is not None and self.process.poll() is None

    # --- its processes -----------------------------------------------------------------------------------------

    def processes(self) -> dict[Part, list[psutil.Process]]:
        """Its living processes by what they are."""
        found: dict[Part, list[psutil.Process]] = {"core": [], "tap workers": [], "writer": [], "other": []}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if process.environ().get(MARK) == self._mark and process.status() != psutil.STATUS_ZOMBIE:
                    found[self._part_of(process)].append(process)
        return found

    def _part_of(self, process: psutil.Process) -> Part:
        if self.process is not None and process.pid == self.process.pid:
            return "core"
        words = process.cmdline()
        return next((part for module, part in _MODULES.items() if module in words), "other")

    def wait_gone(self, timeout_s: float = 10.0) -> None:
        """Wait until no process of it lives. Raises BoxError naming those that do."""
        deadline_s = time.monotonic() + timeout_s
        while left := [p for group in self.processes().values() for p in group]:
            if time.monotonic() > deadline_s:
                names = [" ".join(p.cmdline()) for p in left]
                raise BoxError(f"processes left after {timeout_s} s: {names}")
            time.sleep(_STEP_S)

    # --- what it left ------------------------------------------------------------------------------------------

    def log_tail(self, lines: int = 40) -> str:
        """End of its log."""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def check_nothing_left(self) -> None:
        """Raise BoxError if a process lives, a worker's lock is held, or a traceback stands in the log."""
        self.wait_gone()
        for path in self.run_dir.rglob("*.lock"):
            with path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise BoxError(f"a lock is still held: {path.name}") from None
        if "Traceback (most recent call last)" in self.log_path.read_text(errors="replace"):
            raise BoxError(f"a traceback stands in the log:\n{self.log_tail(120)}")

    def destroy(self) -> None:
        """Kill every process of it and remove its memory folder."""
        end_s = time.monotonic() + STOP_S
        while (left := [p for group in self.processes().values() for p in group]) and time.monotonic() < end_s:
            for process in left:  # again: one that is not killed yet may have started another
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(_STEP_S)
        if self.process is not None:
            self.process.wait()
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.destroy()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            code = self.stop() if self.running else 0
            if kind is None:
                if code:
                    raise BoxError(f"the box ended with {code}:\n{self.log_tail()}")
                self.check_nothing_left()
        finally:
            self.destroy()

    # --- talking to it -----------------------------------------------------------------------------------------

    def client(self) -> Client:
        """Connect to its command port."""
        return Client(HOST, self.api_port)

    def events(self, event_class: str = "ALL", **more: str | int) -> EventClient:
        """Subscribe to its events; ``more`` are further values of the request."""
        return EventClient(HOST, self.events_port, event_class=event_class, more=more)

    def web(self, **values: str | int) -> tuple[bytes, str]:
        """Ask its WebAPI; gives the body and its content type."""
        query = urllib.parse.urlencode(values)
        with urllib.request.urlopen(f"http://{HOST}:{self.web_port}/webapi.aspx?{query}", timeout=60) as answer:
            return answer.read(), answer.headers.get_content_type()


def read_sidecar(recording: str | Path) -> dict[str, Any]:
    """Read the record that lies beside a recording."""
    sidecar: dict[str, Any] = json.loads(Path(f"{recording}.json").read_text())
    return sidecar


def memory_folder() -> str | None:
    """Give a folder in memory, None where there is none."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 -- memory is what we want


def write_toml(tables: Mapping[str, Mapping[str, Any]], arrays: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Write settings as TOML."""
    return "\n".join([*_toml_lines(tables, arrays), ""])


def _toml_lines(
    tables: Mapping[str, Mapping[str, Any]], arrays: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[str]:
    for name, values in tables.items():
        yield f"[{name}]"
        yield from (f"{key} = {_toml_value(value)}" for key, value in values.items())
    for name, rows in arrays.items():
        for row in rows:
            yield f"[[{name}]]"
            yield from (f"{key} = {_toml_value(value)}" for key, value in row.items())


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{json.dumps(k)} = {_toml_value(v)}" for k, v in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml_value(v) for v in value)}]"
    return json.dumps(str(value) if isinstance(value, Path) else value)
