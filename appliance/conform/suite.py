"""Play many cases, each with texts of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from appliance.conform.case import Case, Over
from appliance.conform.outcome import Outcome
from appliance.conform.playing import Box, Player


def play_all(box: Box, cases: Sequence[Case], overs: Sequence[Over]) -> Iterator[Outcome]:
    """Play every case over every transport it is for. Raises UnreachableError if no box is there at the begin."""
    box.look(web="http" in overs, tcp="tcp" in overs)
    run = secrets.token_hex(3)
    number = 0
    for case in cases:
        for over in case.overs:
            if over in overs:
                number += 1
                name = f"{run}{number}"
                values = {"run": name, "device": f"conform-{name}", "alias": f"c{name}"}
                yield Player(box, case, over, values).play()
