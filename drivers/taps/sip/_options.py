"""What can be set for a SIP trunk."""

from __future__ import annotations

import fnmatch
import re
from typing import Annotated, Literal, final

import pydantic
from pydantic import Field

from drivers.contract import TapOptions

Codec = Literal["PCMU", "PCMA", "G722"]

_RULE = re.compile(r"header:[A-Za-z0-9!%*_+`'~.-]{1,64}|to-user|from-user|request-user")
_RTP_PORTS_A_WORKER = 200


@final
class Options(TapOptions):
    """One SIP trunk. Worker k listens on ``port`` + 2·k and takes its RTP ports from ``rtp_ports`` + 200·k."""

    host: Annotated[
        str, Field(pattern=r"^\d{1,3}(\.\d{1,3}){3}$", description="IPv4 address to listen on; 0.0.0.0 is every one")
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=1024, le=65000, description="first SIP port, UDP and TCP; worker k adds 2·k")] = 5060
    rtp_ports: Annotated[int, Field(ge=1024, le=65000, description="first RTP port; each worker takes 200")] = 20000
    calls: Annotated[int, Field(ge=1, le=2000, description="calls at once; one more is answered 486")] = 8
    device_from: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="where a call's device stands: header:NAME, to-user, from-user, request-user"),
    ] = ("header:X-Device", "to-user", "from-user")
    starts_calls: Annotated[bool, Field(description="a call that arrives is a call of its own; else CALLSTART is")] = (
        False
    )
    unknown_devices: Annotated[
        Literal["accept", "refuse"],
        Field(description="a call without a device's name, or of one that `devices` leaves out: accept, or answer 404"),
    ] = "accept"
    codecs: Annotated[tuple[Codec, ...], Field(min_length=1, description="codecs to answer with, best first")] = (
        "PCMU",
        "PCMA",
    )
    caller_labels: Annotated[
        tuple[str, ...], Field(description="a=label of streams that carry the caller; empty: the first stream does")
    ] = ()
    jitter_ms: Annotated[int, Field(ge=40, le=500, description="jitter that is made good, in milliseconds")] = 200
    rtp_timeout_s: Annotated[float, Field(ge=1, le=3600, description="a stream silent this long is a fault")] = 60
    dead_call_s: Annotated[float, Field(ge=2, le=86400, description="a call without RTP this long is hung up")] = 300
    held_call_s: Annotated[float, Field(ge=2, le=86400, description="a call on hold this long is hung up")] = 7200
    calls_per_s: Annotated[
        int, Field(ge=1, le=25, description="calls a worker takes in a second; more are answered 503")
    ] = 20

    @pydantic.field_validator("device_from")
    @classmethod
    def _rules(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        for rule in rules:
            if not _RULE.fullmatch(rule):
                raise ValueError(f"{rule!r} is none of header:NAME, to-user, from-user, request-user")
        return rules

    def sip_port(self, worker: int) -> int:
        """Port of the worker, UDP and TCP."""
        return self.port + 2 * worker

    def rtp_range(self, worker: int) -> tuple[int, int]:
        """First RTP port of the worker, and how many it may use."""
        return self.rtp_ports + _RTP_PORTS_A_WORKER * worker, _RTP_PORTS_A_WORKER

    def knows(self, device: str) -> bool:
        """Tell whether the device's name is there and one of ``devices``."""
        return bool(device) and any(fnmatch.fnmatchcase(device, pattern) for pattern in self.devices)
