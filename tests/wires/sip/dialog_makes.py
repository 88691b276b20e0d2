"""Notifications of a phone's calls in the shapes that call servers and phones are publicly known to send.

The documents are our own; what is a maker's is what it tells, leaves out, adds or gets wrong. Each tells of phone 5003
in one call, by whose names ``up@pbx``, ``mine`` and ``theirs`` it can be joined, where it tells them at all.
"""

from __future__ import annotations

import dataclasses
from typing import Final, final

NAMESPACE: Final = 'xmlns="urn:ietf:params:xml:ns:dialog-info"'
NAMED: Final = 'call-id="up@pbx" local-tag="mine" remote-tag="theirs"'
KIND: Final = "application/dialog-info+xml"
NOT_NAMED: Final = "the PBX tells that 5003 is in a call, but not which: Call-ID or tags are missing"
NO_CALL: Final = "5003 has no call to join"


@final
@dataclasses.dataclass(frozen=True)
class Telling:
    """Bodies of notifications one after the other; ``reason`` is why none of the calls can be joined."""

    bodies: tuple[str, ...]
    reason: str = ""
    kind: str = KIND
    state: str = "active;expires=600"


def whole(*dialogs: str, version: int = 0, state: str = "full") -> str:
    """Write a document as RFC 4235 has it."""
    return (
        f'<?xml version="1.0"?>\r\n<dialog-info {NAMESPACE} version="{version}" state="{state}" '
        f'entity="sip:5003@pbx.example">{"".join(dialogs)}</dialog-info>\r\n'
    )


def dialog(state: str = "confirmed", names: str = NAMED, more: str = "", key: str = "d1") -> str:
    """Write one call."""
    return f'<dialog id="{key}" {names} direction="recipient"><state>{state}</state>{more}</dialog>'


def _side(which: str, parameters: str = "") -> str:
    name = "<identity display='Abel &amp; \"A\"'>sip:5003@pbx.example</identity>"
    return f'<{which}>{name}<target uri="sip:5003@10.0.0.1:5060">{parameters}</target></{which}>'


_HELD = _side("local", '<param pname="+sip.rendering" pvalue="no"/>')
_LIVE = _side("local", '<param pname="+sip.rendering" pvalue="yes"/>')
_OLD = 'call-id="old@pbx" local-tag="a" remote-tag="b"'

_LAMP: Final = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<dialog-info {NAMESPACE} version="9" state="full" '
    'entity="sip:5003@10.0.0.1:5060">\n <dialog id="5003">\n  <state>confirmed</state>\n </dialog>\n</dialog-info>\n'
)

TELLINGS: Final[dict[str, Telling]] = {
    "RFC 4235": Telling((whole(dialog(more=_side("local") + _side("remote"))),)),
    "Asterisk, chan_pjsip: a busy lamp": Telling((_LAMP,), NOT_NAMED),
    "Asterisk, chan_sip: it rings, with a name to pick it up by": Telling(
        (whole(dialog("early", 'call-id="pickup-1" local-tag="x" remote-tag="y"', key="5003"), version=13),), NO_CALL
    ),
    "FreeSWITCH: a unique id, an event beside the state": Telling(
        (whole('<dialog id="0b0c5f2e-1" direction="recipient"><state event="answered">confirmed</state></dialog>'),),
        NOT_NAMED,
    ),
    "Kamailio, while it rings: with tags": Telling((whole(dialog("early", key="padi-1")),), NO_CALL),
    "Kamailio, once it is answered: without": Telling(
        (whole(dialog(names='call-id="up@pbx"', key="padi-1"), version=1),), NOT_NAMED
    ),
    "nothing yet, then the call": Telling(
        ("", whole(dialog(more=_side("remote") + _side("local")), version=1)),
    ),
    "Yealink: the last call too": Telling(
        (
            whole(
                dialog(more=_side("local"), key="65626"),
                '<dialog id="65622"><state>terminated</state></dialog>',
                version=1,
            ),
        ),
    ),
    "Polycom, BroadSoft: an older call on hold before it": Telling(
        (whole(dialog(names=_OLD, more=_HELD, key="1"), dialog(more=_LIVE, key="2"), version=4),),
    ),
    "BroadSoft, RFC 7463: shared appearances": Telling(
        (
            whole(dialog(more="<sa:appearance>1</sa:appearance><sa:exclusive>false</sa:exclusive>")).replace(
                NAMESPACE, NAMESPACE + ' xmlns:sa="urn:ietf:params:xml:ns:sa-dialog-info"'
            ),
        ),
    ),
    "Cisco SPA: the same, the prefix never declared": Telling(
        (whole(dialog(more='<sa:appearance xsi:type="x">1</sa:appearance>')),),
    ),
    "every element with a prefix": Telling(
        (
            whole(dialog())
            .replace(NAMESPACE, 'xmlns:dl="urn:ietf:params:xml:ns:dialog-info"')
            .replace("</", "</dl:")
            .replace("<d", "<dl:d")
            .replace("<st", "<dl:st"),
        ),
    ),
    "AudioCodes: a call that replaced another": Telling(
        (
            whole(
                '<dialog id="z" call-id="old@pbx" local-tag="a" remote-tag="b" direction="initiator">'
                '<state event="replaced">terminated</state></dialog>',
                dialog(),
                version=10,
                state="partial",
            ),
        ),
    ),
    "changes alone: the names first, then the answer": Telling(
        (
            whole(dialog("early"), version=1, state="partial"),
            whole('<dialog id="d1"><state> Confirmed\r\n</state></dialog>', version=7, state="partial"),
        ),
    ),
    "changes out of order": Telling(
        (
            whole(dialog("early"), version=2, state="partial"),
            whole(dialog(), version=4, state="partial"),
            whole(dialog("early"), version=3, state="partial"),
        ),
    ),
    "a neutral state until somebody allows it": Telling(
        (whole(), whole(dialog(), version=1)), state="pending;expires=600"
    ),
    "no tag of the far side": Telling((whole(dialog(names='call-id="up@pbx" local-tag="mine"')),), NOT_NAMED),
    "ringing and trying": Telling((whole(dialog("early"), dialog("trying", _OLD, key="2")),), NO_CALL),
    "no call at all": Telling((whole(version=21),), NO_CALL),
    "another content type": Telling((whole(dialog()),), kind="text/xml; charset=utf-8"),
    "a bare ampersand, and attributes without quotes": Telling(
        (whole(dialog(more="<remote><identity>Sales & More</identity></remote>")).replace('"recipient"', "recipient"),),
    ),
    "cut in the middle of the next call": Telling((whole(dialog(), dialog(names=_OLD, key="2"))[:-70],)),
    "elements that nobody knows, and other letters": Telling(
        (
            whole(
                dialog(
                    more='<duration>274</duration><session-description type="application/sdp">v=0</session-description>'
                    '<x:y xmlns:x="urn:x">1</x:y>'
                )
            )
            .replace("<state>", "<State>")
            .replace("</state>", "</State>"),
        ),
    ),
}
