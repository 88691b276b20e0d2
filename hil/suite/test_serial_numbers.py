"""The cards are those that the rig file means: what USB shows of them."""

from __future__ import annotations

import pytest

from hil.suite.conftest import Check
from hil.suite.serials import Identity


@pytest.mark.rig("usb-serial-numbers")
@pytest.mark.measures("serial_number")
def test_a_card_is_the_one_of_the_rig_file(identity: Identity, check: Check) -> None:
    differs = identity.shown != identity.written
    remark = f"USB shows {identity.shown}, the rig file says {identity.written}" if differs else identity.shown
    check("serial_number", identity.title, lambda: (float(differs), remark))
