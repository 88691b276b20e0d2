"""The reference's chapter on event documents, from the declarations of the events."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from appliance.events.types import EVENTS, Event

_HEAD = """## Event documents

What a subscription brings ([EVENTS](#events)). Each is one document, ended by CR LF, one element a line:

```xml
<CALLCOPYEVENT>
<EVENTCLASS>CALL</EVENTCLASS>
<EVENTTYPE>CALLSTART</EVENTTYPE>
<MODULE>Api</MODULE>
<EVENTXREF>0</EVENTXREF>
<EVENTDATA>
…
</EVENTDATA>
</CALLCOPYEVENT>
```

EVENTDATA has the elements below, always all of them and in this order, empty where nothing is known. A recorded call
brings CALLSTART, RECORDINGSTARTED, CALLSTOP, RECORDINGSTOPPED, RECORDINGUPDATE. FILENAME is the name of the finished
file from the begin. In RECORDINGSTARTED an ERRORREASON other than NONE tells why nothing is recorded.
"""
_EXTENSIONS = """\
Subscriptions with SEQUENCE or SINCE have SEQUENCE between EVENTXREF and EVENTDATA in each of these. It rises with every
event of the box, whoever subscribes to what, and none is used again, also after a restart; numbers may be skipped.
Subscriptions with any extension may also get these two, of EVENTCLASS SYSTEM, with an empty MODULE and no SEQUENCE:

| EVENTTYPE | when | EVENTDATA |
|---|---|---|
| GAP | the client did not read for so long that events of this subscription were let go | COUNT, FIRSTSEQUENCE, \
LASTSEQUENCE |
| HEARTBEAT | nothing was said to this subscription for HEARTBEAT seconds | LASTSEQUENCE |
"""


def event_chapter() -> Iterator[str]:
    """Give the chapter's pieces."""
    yield _HEAD
    yield "| EVENTCLASS | EVENTTYPE | MODULE | when | EVENTDATA |\n|---|---|---|---|---|"
    yield from map(_row, EVENTS)
    yield f"\n{_EXTENSIONS}"


def _row(event: type[Event]) -> str:
    when = inspect.cleandoc(event.__doc__ or "").replace("``", "`")
    order = ", ".join(event.order)
    return f"| {event.event_class} | {event.event_type} | {event.module or '(empty)'} | {when} | {order} |"
