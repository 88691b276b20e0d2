"""EVENTS."""

from __future__ import annotations

from typing import Annotated, ClassVar

from appliance.bus.commands import Services
from appliance.errors import ActionInvalidError, EventTypeInvalidError, SubscriptionUnknownError, TypeMissingError
from appliance.events.types import EVENTS
from appliance.messages.origin import Origin, Port
from appliance.messages.parameter import Choice, Text
from appliance.messages.request import Request
from appliance.messages.result import Result

_CLASSES = ("ALL", *dict.fromkeys(event.event_class for event in EVENTS))
_TYPES = ("ALL", *(event.event_type for event in EVENTS))
_ENDING = ("STOP", "DELETE")


class Events(Request):
    """Subscribes this connection to events, or ends a subscription.

    Every event is printed with the EVENTXREF of its subscription. A connection may have several subscriptions; the
    same class and type again needs an EVENTXREF of its own.
    """

    ports: ClassVar[frozenset[Port]] = frozenset({Port.COMMANDS, Port.EVENTS})
    returns: ClassVar[tuple[str, ...]] = (
        "API_OK: subscribed, or ended, as RESULTTYPE OK",
        "API_EVENT_TYPE_INVALID: no such class or type, or the type is not of the class",
        "API_ERROR_ALREADY_MONITORING: the same subscription stands, or its EVENTXREF is taken",
        "API_ERROR_CLIENT_NOT_FOUND: there is no subscription of that EVENTXREF to end",
        "API_ERROR_INVALID_ACTION: ACTION is none of those below",
    )
    samples: ClassVar[tuple[dict[str, str], ...]] = (
        {"REQUESTID": "51", "EVENTCLASS": "RECORD", "EVENTTYPE": "", "EVENTXREF": "7"},
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

    def answer(self, services: Services, origin: Origin) -> Result:
        """Subscribe or end."""
        if origin.feed is None:
            raise TypeMissingError
        event_class, event_type = self._wanted()
        if self.action in _ENDING:
            if self.xref is None:
                raise SubscriptionUnknownError
            origin.feed.unsubscribe(self.xref)
            xref = self.xref
        else:
            xref = origin.feed.subscribe(event_class, event_type, self.xref or "")
        body = (("EVENTXREF", xref), ("EVENTCLASS", event_class), ("EVENTTYPE", event_type))
        return self.result(result_type="OK", message="OK", body=body)

    def _wanted(self) -> tuple[str, str]:
        event_class = self.event_class or "ALL"
        event_type = "" if self.event_type in {None, "ALL"} else str(self.event_type)
        known = {(event.event_class, event.event_type) for event in EVENTS}
        if event_type and event_class != "ALL" and (event_class, event_type) not in known:
            raise EventTypeInvalidError
        return event_class, event_type
