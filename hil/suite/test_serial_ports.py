"""Serial ports with a plug that leads back what is sent."""

from __future__ import annotations

import pytest

from hil.rigfile import SerialPort
from hil.suite.conftest import Check
from hil.suite.serial_loop import octets_back


@pytest.mark.rig("looped-serial-ports")
@pytest.mark.measures("serial_errors")
def test_what_is_sent_comes_back(port: SerialPort, check: Check) -> None:
    sent = bytes(range(256)) * 4

    def measured() -> tuple[float | None, str]:
        back = octets_back(port.device, port.baud, sent)
        wrong = sum(a != b for a, b in zip(sent, back, strict=False)) + abs(len(sent) - len(back))
        return wrong, f"{len(back)} of {len(sent)} octets came back at {port.baud} baud"

    check("serial_errors", port.name, measured)
