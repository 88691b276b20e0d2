"""What a session recording client sends to begin a call (RFC 7866): an SDP offer and who takes part, as one body."""

from __future__ import annotations

from typing import Final

BOUNDARY: Final = "linetap-offer"
CONTENT_TYPE: Final = f"multipart/mixed;boundary={BOUNDARY}"


def siprec_offer(sdp: str, caller: str, agent: str) -> str:
    """Give a multipart body; the stream labelled 1 is the caller's, that labelled 2 the agent's."""
    document = f"""<?xml version="1.0" encoding="UTF-8"?>
<recording xmlns="urn:ietf:params:xml:ns:recording:1">
<datamode>complete</datamode>
<session session_id="S1"/>
<participant participant_id="P1"><nameID aor="sip:{caller}@pbx.test"/></participant>
<participant participant_id="P2"><nameID aor="sip:{agent}@pbx.test"/></participant>
<stream stream_id="T1" session_id="S1"><label>1</label></stream>
<stream stream_id="T2" session_id="S1"><label>2</label></stream>
<participantstreamassoc participant_id="P1"><send>T1</send><recv>T2</recv></participantstreamassoc>
<participantstreamassoc participant_id="P2"><send>T2</send><recv>T1</recv></participantstreamassoc>
</recording>
"""
    parts = (("application/sdp", sdp), ("application/rs-metadata+xml", document))
    lines = [f"--{BOUNDARY}\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in parts]
    return "".join([*lines, f"--{BOUNDARY}--\r\n"])
