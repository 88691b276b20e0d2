"""Who speaks on which stream of a call."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.contract import Party

MAX_LEGS = 2


def parties(labels: Sequence[str], caller_labels: Sequence[str]) -> tuple[Party, Party]:
    """Parties of leg 0 and leg 1, from the labels of the streams that a call offers.

    One stream carries both parties mixed. Of two, the first is the caller's, unless the labels say it of the second
    alone. Leg 1 of a call that began with one stream is the agent's: a stream added later.
    """
    if len(labels) < MAX_LEGS:
        return Party.MIXED, Party.AGENT
    if labels[1] in caller_labels and labels[0] not in caller_labels:
        return Party.AGENT, Party.CALLER
    return Party.CALLER, Party.AGENT
