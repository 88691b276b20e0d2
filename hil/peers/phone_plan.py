"""What an answering peer is asked to be, and what it tells: values that cross processes as JSON."""

from __future__ import annotations

from typing import Any, Literal, final

import pydantic


@final
class PhonePlan(pydantic.BaseModel):
    """A phone that is called, or with ``bridge`` a small PBX: a conference for each extension.

    ``code`` is its answer, after ``ring_s``; ``early`` is a WAV file that it plays before the answer (183), ``sound``
    one that it plays afterwards, ``record`` where what it hears goes, at ``rate_hz``. ``registrar`` (host:port) is
    where it registers as ``user`` by ``password``. ``joins``: it knows Join (RFC 3911). A bridge calls the extension
    behind a number (without ``barge_code``) at ``next_hop``, and lets further calls to it into the same conference.
    It listens by ``transport``, over TLS with ``certificate`` and ``key`` (PEM files).
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    user: str = "5003"
    code: int = 200
    ring_s: float = 0.1
    early: str = ""
    sound: str = ""
    record: str = ""
    registrar: str = ""
    password: str = ""
    joins: bool = False
    bridge: bool = False
    barge_code: str = "*9"
    next_hop: str = ""
    codec: str = "PCMU"
    transport: Literal["udp", "tcp", "tls"] = "udp"
    certificate: str = ""
    key: str = ""
    rate_hz: int = 8000
    rtp_port: int
    log_level: int = 0


@final
class PhoneFact(pydantic.BaseModel):
    """Something that happened at the peer. ``at_s`` is CLOCK_MONOTONIC; ``call`` counts its calls from 0.

    ``details`` by event: ready ``port``, ``recording_at_s``; registered ``code``; invited ``call_id``, ``uri``,
    ``message``; digit ``digit``, ``method``; ended ``code``, ``reason``, ``packets_received``.
    """

    event: Literal["ready", "registered", "invited", "answered", "placed", "digit", "ended"]
    call: int = -1
    at_s: float
    details: dict[str, Any] = {}


@final
class PhoneOrder(pydantic.BaseModel):
    """What a running phone may be told: to hang up one of its calls, or all."""

    verb: Literal["hang_up"]
    call: int = -1
