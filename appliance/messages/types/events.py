"""EVENTS."""

from __future__ import annotations

from typing import Annotated, ClassVar

from appliance.bus.commands import Services
from appliance.errors import ActionInvalidError, EventTypeInvalidError, SubscriptionUnknownError, TypeMissingError
from appliance.events.history import MOST_SEQUENCE
from appliance.events.types import EVENTS
from appliance.messages.origin import Asked, Origin, Port, Subscribed
from appliance.messages.parameter import Choice, Flag, Number, Text
from appliance.messages.request import Request
from appliance.messages.result import Body, Result

_CLASSES = ("ALL", *dict.fromkeys(event.event_class for event in EVENTS))
_TYPES = ("ALL", *(event.event_type for event in EVENTS))
_ENDING = ("STOP", "DELETE")


class Events(Request):
    """Subscribes this connection to events, or ends a subscription.

    Every event is printed with the EVENTXREF of its subscription. A connection may have several subscriptions; the
    same class and type again needs an EVENTXREF of its own.

    SINCE, SEQUENCE and HEARTBEAT are extensions: who asks for none of them gets exactly what the manual has. With one
    of them the answer has SEQUENCE behind EVENTTYPE, the number of the last event so far, and two documents of
    EVENTCLASS SYSTEM may come between the events. GAP tells what was lost because the client did not read: EVENTDATA
    has COUNT, FIRSTSEQUENCE and LASTSEQUENCE, of the events that the subscription takes. HEARTBEAT comes when nothing
    else was said for so long: its EVENTDATA has LASTSEQUENCE, up to which the subscription has had everything it takes.
    With SINCE the events behind that number follow the answer, and then what happens; where some may not be kept any
    more, RESULTMSG says so and GAP at the end of the answer has FIRSTSEQUENCE and LASTSEQUENCE, of all events.
    """

    ports: ClassVar[frozenset[Port]] = frozenset({Port.COMMANDS, Port.EVENTS})
    reconstructed: ClassVar[str] = "sources show the answer and the events, not the request"
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: subscribed, or ended, as RESULTTYPE OK",
        "API_EVENT_TYPE_INVALID: no such class or type, or the type is not of the class",
        "API_ERROR_ALREADY_MONITORING: the same subscription stands, or its EVENTXREF is taken",
        "API_ERROR_CLIENT_NOT_FOUND: there is no subscription of that EVENTXREF to end",
        "API_ERROR_INVALID_ACTION: ACTION is none of those below",
        (
            "API_ERROR_PROCESSING_MESSAGE: a value cannot be used, SINCE is above the last event's SEQUENCE, or the "
            "connection has too many subscriptions"
        ),
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "51", "EVENTCLASS": "RECORD", "EVENTTYPE": "", "EVENTXREF": "7"},
        {"REQUESTID": "52", "EVENTCLASS": "ALL", "SINCE": "0", "HEARTBEAT": "30"},
    )

    event_class: Annotated[
        str | None,
        Choice(
            "class of events; ALL while nobody says", name="EVENTCLASS", words=_CLASSES, fault=EventTypeInvalidError
        ),
    ] = None
    event_type: Annotated[
        str | None,
        Choice("type of event; blank or ALL is every one", name="EVENTTYPE", words=_TYPES, fault=EventTypeInvalidError),
    ] = None
    xref: Annotated[
        str | None,
        Text(
            "your name of the subscription, echoed in its events; counted from 0 while nobody says",
            name="EVENTXREF",
            length=64,
            over_long="refuse",
            blank="is not passed",
        ),
    ] = None
    action: Annotated[
        str | None,
        Choice("what to do; START while nobody says", words=("START", "ADD", *_ENDING), fault=ActionInvalidError),
    ] = None

    since: Annotated[
        int | None,
        Number(
            "extension: SEQUENCE of the last event you have had; those behind it come first. 0: all that are kept",
            highest=MOST_SEQUENCE,
        ),
    ] = None
    sequence: Annotated[
        bool | None, Flag("extension: each event has its SEQUENCE before EVENTDATA; SINCE means it too")
    ] = None
    heartbeat: Annotated[
        int | None,
        Number("extension: seconds without a word after which a HEARTBEAT comes", lowest=1, highest=3600),
    ] = None

    def answer(self, services: Services, origin: Origin) -> Result:
        """Subscribe or end."""
        if origin.feed is None:
            raise TypeMissingError
        asked = self._asked()
        if self.action in _ENDING:
            if self.xref is None:
                raise SubscriptionUnknownError
            origin.feed.unsubscribe(self.xref)
            return self._told(asked, self.xref)
        given = origin.feed.subscribe(asked)
        return self._told_more(asked, given) if asked.extended else self._told(asked, given.xref)

    def _told(self, asked: Asked, xref: str, message: str = "OK", more: Body = ()) -> Result:
        body = (("EVENTXREF", xref), ("EVENTCLASS", asked.event_class), ("EVENTTYPE", asked.event_type), *more)
        return self.result(result_type="OK", message=message, body=body)

    def _told_more(self, asked: Asked, given: Subscribed) -> Result:
        more: Body = (("SEQUENCE", str(given.last)),)
        if given.missing is None:
            return self._told(asked, given.xref, more=more)
        first, last = given.missing
        gap: Body = (("FIRSTSEQUENCE", str(first)), ("LASTSEQUENCE", str(last)))
        return self._told(asked, given.xref, f"Events {first} to {last} are no longer kept", (*more, ("GAP", gap)))

    def _asked(self) -> Asked:
        event_class, event_type = self._wanted()
        numbered = bool(self.sequence) or self.since is not None
        return Asked(event_class, event_type, self.xref or "", self.since, numbered, self.heartbeat)

    def _wanted(self) -> tuple[str, str]:
        event_class = self.event_class or "ALL"
        event_type = "" if self.event_type in {None, "ALL"} else str(self.event_type)
        known = {(event.event_class, event.event_type) for event in EVENTS}
        if event_type and event_class != "ALL" and (event_class, event_type) not in known:
            raise EventTypeInvalidError
        return event_class, event_type
