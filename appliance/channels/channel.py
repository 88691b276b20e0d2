"""One channel: a line of a tap with its state and what it is used for at the moment."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from typing import final

from appliance import clock
from appliance.channels.states import ChannelState, Trigger, following

logger = logging.getLogger(__name__)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Assignment:
    """What a line is reserved for: ``use`` is any, device, agent or playback; ``whom`` the device's or agent's id."""

    use: str = "any"
    whom: str = ""

    @classmethod
    def parse(cls, text: str) -> Assignment:
        """Read ``any``, ``playback``, ``device:ID`` or ``agent:ID``. Raises ValueError."""
        use, _, whom = text.partition(":")
        if use in {"any", "playback"} and not whom:
            return cls(use)
        if use in {"device", "agent"} and whom:
            return cls(use, whom)
        raise ValueError(f'{text!r} is none of "any", "playback", "device:ID", "agent:ID"')


@final
@dataclasses.dataclass(slots=True)
class Arrival:
    """A call that is up on a channel by itself and is being captured into ``session``.

    ``fresh`` is True until a recording used the call: only then its begin may be claimed from before CALLSTART.
    """

    device_id: str
    session: str
    arrived_at: dt.datetime
    arrived_mono_s: float
    reference: str = ""
    ani: str = ""
    dnis: str = ""
    media: bool = False
    fresh: bool = True


@final
class Channel:
    """A line and its state, changed only by :meth:`apply`.

    Attributes
    ----------
    priority
        Priority of the recording on it, 0 to 100; -1 when there is none.
    device_id, device_alias
        Whom the channel records, or recorded last (the wire shows that for idle channels too).
    dials
        The line can call a phone.
    speaks
        The line can call a phone and play to it.
    joins
        The line can find the call at a phone by itself and join it.
    promised
        A recording waits for the one that ends on the channel just now.
    arrival
        The call that is up on a line of a trunk, whether it is recorded or not.
    """

    def __init__(self, number: int, tap: str, line: str, *, calls_arrive: bool, devices: tuple[str, ...]) -> None:
        self.number = number
        self.tap = tap
        self.line = line
        self.calls_arrive = calls_arrive
        self.devices = devices
        self.assignment = Assignment()
        self.state = ChannelState.IDLE
        self.changed_at = clock.now()
        self.priority = -1
        self.promised = False
        self.device_id = ""
        self.device_alias = ""
        self.playback_extension = ""
        self.dials = False
        self.speaks = False
        self.joins = False
        self.arrival: Arrival | None = None

    def __repr__(self) -> str:
        return f"<channel {self.number} {self.tap}/{self.line} {self.state}>"

    def apply(self, trigger: Trigger) -> None:
        """Go to the state that follows. Raises :class:`~appliance.channels.states.TransitionError`."""
        state = following(self.state, trigger)
        logger.debug("channel %d: %s -> %s (%s)", self.number, self.state, state, trigger)
        self.state = state
        self.changed_at = clock.now()
