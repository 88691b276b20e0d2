"""Each line driven alone, while all are listened to."""

from __future__ import annotations

import pytest

from hil import measure
from hil.rigfile import Wire
from hil.suite.captures import Captures
from hil.suite.conftest import Check
from hil.suite.proof import Measured


@pytest.mark.rig("several-lines")
@pytest.mark.measures("crosstalk")
def test_a_line_hears_no_other(wire: Wire, captures: Captures, check: Check) -> None:
    def measured() -> Measured:
        found = measure.worst_crosstalk(captures.crosstalk, captures.numbers[wire.line])
        if found is None:
            return None, "no other line's tone was heard anywhere"
        return found[0], f"from {list(captures.numbers)[found[1]]}" if found[0] > -110 else ""

    check("crosstalk", wire.line, measured)
