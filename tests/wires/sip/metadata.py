"""Metadata documents for tests."""

from __future__ import annotations


def document(user: str = "", *, padding: int = 0, mode: str = "complete", caller: str = "1", agent: str = "2") -> str:
    """Two participants, the caller's stream labelled ``caller`` and the agent's ``agent``, some octets long."""
    name = f"Caller {user}".strip()
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<recording xmlns="urn:ietf:params:xml:ns:recording:1" xmlns:pbx="http://pbx.test/">
<datamode>{mode}</datamode>
<session session_id="S=="><pbx:ucid>00042</pbx:ucid><pbx:header label="X-Queue">sales</pbx:header></session>
<participant participant_id="P1">
<nameID aor="sip:4711@pbx.test"><name xml:lang="en">{name}</name></nameID></participant>
<participant participant_id="P2"><nameID aor="sip:5003@pbx.test"><name>Agent</name></nameID></participant>
<stream stream_id="T1" session_id="S=="><label>{caller}</label></stream>
<stream stream_id="T2" session_id="S=="><label>{agent}</label></stream>
<participantstreamassoc participant_id="P1"><send>T1</send><recv>T2</recv></participantstreamassoc>
<participantstreamassoc participant_id="P2"><send>T2</send><recv>T1</recv></participantstreamassoc>
<pbx:padding>{"x" * padding}</pbx:padding>
</recording>
"""
