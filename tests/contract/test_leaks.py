"""The check for what is left behind fails when it should."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest

from tests.contract import leaks


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "_SETTLE_S", 0.1)


def test_a_descriptor_is_missed() -> None:
    left = []
    with pytest.raises(AssertionError, match="/dev/null"), leaks.nothing_left():
        left.append(os.open("/dev/null", os.O_RDONLY))
    os.close(left[0])


def test_a_process_is_missed() -> None:
    left = []
    with pytest.raises(AssertionError, match="process"), leaks.nothing_left():
        left.append(subprocess.Popen(["sleep", "60"]))
    with left[0] as process:
        process.kill()


def test_a_thread_is_missed() -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="lingerer")
    with pytest.raises(AssertionError, match="lingerer"), leaks.nothing_left():
        thread.start()
    end.set()
    thread.join()
