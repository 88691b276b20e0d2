"""The rig's machine itself, seen from the host. Only with an image in the cache: making one takes minutes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.rig.cache import Cache, default_folder
from hil.rig.costs import Costs
from hil.rig.errors import HostUnfitError, MachineError, NotMadeError
from hil.rig.link import Done
from hil.rig.machine import Machine
from hil.rig.qemu import Time
from hil.rig.rig import Rig

ROOT = Path(__file__).resolve().parents[3]
STARTER = """
import sys, time
from hil.rig.cache import Cache, default_folder
from hil.rig.costs import Costs
from hil.rig.qemu import Time
from hil.rig.rig import Rig
machine = Rig(Cache(default_folder(), makes=False), Time.COUNTED, Costs()).restore()
print(machine.process_id, flush=True)
time.sleep(600)
"""

pytestmark = pytest.mark.wires


@pytest.fixture(scope="module")
def rig() -> Rig:
    try:
        return Rig(Cache(default_folder(), makes=False), Time.COUNTED, Costs())
    except (HostUnfitError, NotMadeError) as error:
        pytest.skip(f"no image of the rig (make hil makes one): {error}")


@pytest.fixture
def machine(rig: Rig) -> Iterator[Machine]:
    with rig.restore() as machine:
        yield machine


def run(machine: Machine, *argv: str) -> Done:
    return machine.run(*argv).check()


def wait_until(holds: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_it_has_the_hosts_time_and_what_it_had_when_it_was_saved(machine: Machine) -> None:
    assert int(run(machine, "date", "+%s").text) == pytest.approx(time.time(), abs=20)
    assert run(machine, "systemctl", "is-active", "rig-sound.service").text == "active\n"


def test_an_idle_hour_passes_by_its_own_clock(machine: Machine) -> None:
    done = machine.run("sleep", "3600", timeout_s=4000).check()
    assert 3600 <= done.machine_s < 3610


def test_a_command_has_its_time_by_the_machines_clock(machine: Machine) -> None:
    done = machine.run("sleep", "3600", timeout_s=30)
    assert (done.code, 30 <= done.machine_s < 40) == (124, True)


def test_what_one_machine_wrote_the_next_does_not_have(rig: Rig) -> None:
    with rig.restore() as first:
        first.put("/etc/written", b"by the first")
        assert first.get("/etc/written") == b"by the first"
    with rig.restore() as second, pytest.raises(MachineError, match="No such file"):
        second.get("/etc/written")


def test_sources_that_are_installed_run(rig: Rig, machine: Machine) -> None:
    rig.install(machine)
    words = ["/opt/linetap/bin/python", "-c", "import drivers.contract as c; print(c.__file__, c.__cached__)"]
    file, cached = run(machine, *words).text.split()
    assert file == "/srv/linetap/drivers/contract.py"
    run(machine, "test", "-s", cached)


def test_nothing_of_a_closed_machine_is_left(rig: Rig) -> None:
    machine = rig.restore()
    process = Path("/proc", str(machine.process_id))
    group = os.getpgid(machine.process_id)
    files = {str(fd.readlink()) for fd in (process / "fd").iterdir() if fd.is_symlink()}
    machine.close()
    assert not process.exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    assert [file for file in files if file.startswith(tempfile.gettempdir()) and "(deleted)" not in file] == []


def test_a_machine_that_is_killed_is_an_error_at_once(rig: Rig) -> None:
    with rig.restore() as machine:
        os.kill(machine.process_id, signal.SIGKILL)
        with pytest.raises(MachineError, match="gone"):
            run(machine, "sleep", "1")


def test_a_machine_dies_with_its_starter(rig: Rig) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, cwd=ROOT) as starter:
        assert starter.stdout is not None
        qemu = Path("/proc", starter.stdout.readline().decode().strip())
        assert (qemu / "cmdline").read_bytes().startswith(b"qemu-system-x86_64")
        starter.kill()
        starter.wait(10)
    wait_until(lambda: not qemu.exists() or "State:\tZ" in (qemu / "status").read_text())
