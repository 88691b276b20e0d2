"""The service as it ships, under a real systemd: what its unit promises, and that its sandbox lets it record."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
import soundfile

from appliance.audio import measure
from appliance.client import Client, EventClient
from hil.event_log import EventLog
from tests.hil.unit import LINETAP, ROOT, UNIT, install, journal, shown, systemctl, wait_until

HOST = "127.0.0.1"
OK = 20
SETTINGS = """
[recording]
holdback_s = 2
reserve_mb = 10
[[taps]]
name = "tones"
kind = "virtual"
[[schedules]]
name = "all"
"""

pytestmark = pytest.mark.rig("systemd")


@pytest.fixture(scope="module")
def installed() -> tuple[bool, str]:
    """Install it word for word as systemd/README.md says, then give it settings with a tap.

    Gives whether it ran on with the settings that ship, and its journal of that time.
    """
    install()
    time.sleep(5)
    runs_as_shipped = shown("ActiveState") == "active" and shown("NRestarts") == "0"
    said = journal()
    systemctl("stop", UNIT)
    Path("/etc/linetap/linetap.toml").write_text(SETTINGS)
    return runs_as_shipped, said


@pytest.fixture
def service(installed: tuple[bool, str]) -> None:
    """Have it running; ``systemctl start`` comes back when it said that it is ready."""
    try:
        systemctl("start", UNIT)
    except subprocess.CalledProcessError:
        pytest.fail(journal())


def processes() -> set[str]:
    """Ids of all processes of the service."""
    return set(Path("/sys/fs/cgroup/system.slice", UNIT, "cgroup.procs").read_text().split())


def test_systemd_finds_no_fault_in_its_files(installed: tuple[bool, str]) -> None:
    words = ["systemd-analyze", "verify", f"/etc/systemd/system/{UNIT}", str(ROOT / "systemd" / "run-linetap.mount")]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "linetap" in line]) == (0, [])


def test_it_runs_with_the_settings_that_ship(installed: tuple[bool, str]) -> None:
    runs, said = installed
    assert runs, said


def test_it_is_ready_when_systemctl_comes_back(service: None) -> None:
    assert shown("ActiveState") == "active"
    assert shown("StatusText")
    status = subprocess.run([LINETAP, "status"], check=False, capture_output=True, text=True, timeout=60)
    assert (status.returncode, "channels" in status.stdout) == (0, True), status.stdout


def test_it_records_within_its_sandbox(service: None) -> None:
    client, log = Client(HOST, 5620), EventLog(EventClient(HOST, 5621))
    with log:
        assert client.request({"TYPE": "CALLSTART", "DEVICEID": "5001"}).code == OK
        log.wait("RECORDINGSTARTED", "5001")
        time.sleep(5)
        assert client.request({"TYPE": "CALLSTOP", "DEVICEID": "5001"}).code == OK
        path = Path(log.wait("RECORDINGUPDATE", "5001", timeout_s=30).data["FILENAME"])
    client.close()
    assert path.owner() == "linetap"
    samples, rate_hz = soundfile.read(path, dtype="int16", always_2d=True)
    heard = measure.check_continuity(samples[:, 0], rate_hz)
    assert heard.unbroken
    assert heard.tone.frames / rate_hz == pytest.approx(5, abs=0.5)


def is_back(gone: str) -> bool:
    """Whether another core is ready in the place of the one that is gone."""
    return shown("MainPID") not in {gone, "0"} and shown("ActiveState") == "active"


def test_a_hung_core_is_killed_and_started_again(service: None) -> None:
    hung, restarts = shown("MainPID"), int(shown("NRestarts"))
    subprocess.run(["kill", "-STOP", hung], check=True, timeout=10)
    wait_until(lambda: is_back(hung), 180)
    assert int(shown("NRestarts")) == restarts + 1
    assert "Watchdog timeout" in journal()


def test_a_killed_core_comes_back_without_its_old_children(service: None) -> None:
    killed, old = shown("MainPID"), processes()
    assert len(old) >= 3  # core, writer, tap worker
    subprocess.run(["kill", "-KILL", killed], check=True, timeout=10)
    wait_until(lambda: is_back(killed), 90)
    assert not processes() & old


def test_it_stops_in_good_order_and_leaves_no_memory_behind(service: None) -> None:
    invocation = shown("InvocationID")
    systemctl("stop", UNIT)
    assert (shown("ActiveState"), shown("Result"), shown("ExecMainStatus")) == ("inactive", "success", "0")
    assert not Path("/run/linetap").exists()
    words = ["journalctl", f"_SYSTEMD_INVOCATION_ID={invocation}", "--output", "cat"]
    said = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout
    assert "linetap ready" in said
    assert "Traceback" not in said, said
