"""One machine from start to end.

It runs in a process group of its own, is killed by the kernel when its starter dies, and has nothing on the disk
that could be left over. The thread that starts it must live as long as it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self, final

from hil.rig.errors import HostUnfitError, MachineError, RigError
from hil.rig.image.image import Image
from hil.rig.link import Done, Hear, Link
from hil.rig.qemu import Time, command
from hil.rig.qmp import Qmp

BOOT_S = 240.0
RESTORE_S = 60.0
SAVE_S = 120.0
END_S = 5.0
HOST_TIMES = 4.0  # how much longer than by its own clock a command may take by ours
HOST_SPARE_S = 60.0
_TAIL_BYTES = 1 << 16


@final
class Machine:
    """A running machine: boots, or goes on from ``snapshot``. To be closed, best by ``with``.

    Raises HostUnfitError without QEMU, MachineError with the end of the console's log if it does not come up.
    """

    def __init__(self, image: Image, passing: Time = Time.COUNTED, snapshot: Path | None = None) -> None:
        self._console = tempfile.TemporaryFile()  # noqa: SIM115 -- open for as long as the machine
        begin_s = time.monotonic()
        control, far_control = socket.socketpair()
        agent, far_agent = socket.socketpair()
        self._qmp, self._link = Qmp(control), Link(agent)
        with far_control, far_agent:
            words = command(
                image,
                passing,
                agent_fd=far_agent.fileno(),
                control_fd=far_control.fileno(),
                snapshot=snapshot,
            )
            self._process = self._start(words, (far_agent.fileno(), far_control.fileno()))
        try:
            self._come_up(restores=snapshot is not None)
        except BaseException as error:
            tail = self.console_tail()
            self.close()
            if isinstance(error, MachineError):
                raise type(error)(f"{error}\n{tail}") from error
            raise
        self.start_s = time.monotonic() - begin_s

    def _start(self, words: Sequence[str], fds: tuple[int, ...]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=self._console,
                stderr=self._console,
                pass_fds=fds,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            self._console.close()
            raise HostUnfitError(f"the program {error.filename} is missing: see debian-packages-rig.txt") from error

    def _come_up(self, *, restores: bool) -> None:
        self._qmp.greet()
        if restores:
            # What was saved had been stopped, and stays so here until told otherwise.
            self._qmp.wait_status("query-status", frozenset({"paused"}), RESTORE_S)
            self._qmp.execute("cont")
            self._link.hello(RESTORE_S)
        else:
            self._link.hello(BOOT_S)
        self._link.set_clock(time.time())

    # --- work inside -------------------------------------------------------------------------------------------

    def run(
        self,
        *argv: str,
        timeout_s: float = 120.0,
        cwd: str = "/",
        env: Mapping[str, str] | None = None,
        hear_output: Hear | None = None,
        hear_errors: Hear | None = None,
    ) -> Done:
        """Run a command as root, without a shell, until it ends; ``timeout_s`` counts by the machine's clock.

        Raises MachineTimeoutError where it takes a multiple of that by the host's clock.
        """
        return self._link.run(
            argv,
            timeout_s=timeout_s,
            host_timeout_s=timeout_s * HOST_TIMES + HOST_SPARE_S,
            cwd=cwd,
            env=env,
            hear_output=hear_output,
            hear_errors=hear_errors,
        )

    def put(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Write a file inside, with the folders above it."""
        self._link.put(path, data, mode)

    def get(self, path: str) -> bytes:
        """Read a file inside."""
        return self._link.get(path)

    # --- its state ---------------------------------------------------------------------------------------------

    def save(self, target: Path) -> None:
        """Stop it and write all its state to ``target``; it can only be closed afterwards."""
        self._qmp.execute("stop")
        self._qmp.execute("migrate-set-parameters", **{"max-bandwidth": 10 << 30})
        self._qmp.execute("migrate", uri=f"exec:cat > '{target}'")
        if self._qmp.wait_status("query-migrate", frozenset({"completed", "failed"}), SAVE_S) == "failed":
            raise MachineError(f"the machine's state could not be saved to {target}")

    @property
    def process_id(self) -> int:
        """Of QEMU."""
        return self._process.pid

    def console_tail(self, lines: int = 25) -> str:
        """End of what QEMU and the machine's console said."""
        size_bytes = os.fstat(self._console.fileno()).st_size
        said = os.pread(self._console.fileno(), _TAIL_BYTES, max(size_bytes - _TAIL_BYTES, 0))
        return "\n".join(said.decode(errors="replace").splitlines()[-lines:])

    def close(self) -> None:
        """End it at once, as a power cut would; whatever was not fetched is gone."""
        with contextlib.suppress(RigError):  # it may be gone already, or too stuck to answer
            if self._process.poll() is None:
                self._qmp.execute("quit", END_S)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._qmp.close()
        self._link.close()
        self._console.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
