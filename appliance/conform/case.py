"""What a case is: steps that follow each other, what each must bring, and how the box is left as it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, Literal, final

Over = Literal["tcp", "http"]
Listener = Literal["api", "events"]
OVERS: Final[tuple[Over, ...]] = ("tcp", "http")


@final
class CaseFileError(Exception):
    """A file of cases that cannot be used; the text names the file, the case and what is wrong."""


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One step. It sends by at most one of ``ask``, ``send`` and ``target``, and waits for what it names.

    Texts may hold placeholders (:mod:`appliance.conform.template`).
    """

    ask: Mapping[str, str] | None = None
    """Named values, sent as XML over TCP and as a query over HTTP."""
    send: str = ""
    """Sent over TCP exactly as it stands."""
    encoding: str = "utf-8"
    """Encoding of ``send``."""
    split: bool = False
    """Send ``send`` an octet at a time."""
    half_close: bool = False
    """Close our direction after it."""
    method: str = "GET"
    target: str = ""
    """Asked for over HTTP exactly as it stands."""
    form: str = ""
    """Body of a POST."""
    status: int = 200
    media_type: str = "text/xml"
    answer: str = ""
    """The whole document that must come back; blank where it is not looked at."""
    closed: bool = False
    """The box must hang up."""
    event: str = ""
    """The whole document of the next event that must come for the case's device."""
    told: str = ""
    """The whole document of the next event that must come on the connection that asks: for the case's device, or of
    EVENTCLASS SYSTEM."""
    skip: str = ""
    """Why the case cannot be played at this box, if the event does not come or the answer has one of the codes."""
    skip_codes: tuple[int, ...] = ()


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One case. ``undo`` are steps that are played whatever happened before them."""

    group: str
    name: str
    says: str
    steps: tuple[Step, ...]
    undo: tuple[Step, ...] = ()
    overs: tuple[Over, ...] = OVERS
    port: Listener = "api"
    """Where what goes over TCP is sent."""
    events: str = ""
    """EVENTCLASS of the events to listen to beside; blank for none."""
    leaves: str = ""
    """What stays on the box because no message takes it away."""
