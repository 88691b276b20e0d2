"""What can be set for a SIP trunk."""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, final

import pydantic
from pydantic import Field

from drivers.taps.sip._dialling import DiallingOptions

Codec = Literal["PCMU", "PCMA", "G722"]

_RULE = re.compile(r"header:[A-Za-z0-9!%*_+`'~.-]{1,64}|to-user|from-user|request-user")
_METADATA_RULE = re.compile(r"(caller|agent)-(user|name|aor)|direction|element(-user)?:[^\s:]{1,128}")
_RULES_NAMED = (
    *(f"{who}-{what}" for who in ("caller", "agent") for what in ("user", "name", "aor")),
    *("direction", "element:NAME", "element:NAME/VALUE", "element-user:NAME"),
    *("header:NAME", "to-user", "from-user", "request-user"),
)
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_WIDE_BAND_HZ: Final = 16000
_WIDE_BAND_CODECS: Final = ("G722", "PCMU", "PCMA")
_RTP_PORTS_A_WORKER = 200
_PORTS_OF_THE_FRONT = 4


@final
class Options(DiallingOptions):
    """One SIP trunk. Worker k takes its RTP ports from ``rtp_ports`` + 200·k.

    With a front all calls come to ``port``, and what is behind it uses ``port`` + 2 and up on the loopback. Without one
    worker k listens on ``port`` + 2·k.
    """

    host: Annotated[str, Field(description="IPv4 address to listen on; 0.0.0.0 is every one")] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=1024, le=65000, description="SIP port, UDP and TCP; without a front worker k adds 2·k")
    ] = 5060
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
    codecs: Annotated[
        tuple[Codec, ...],
        Field(
            min_length=1,
            description="codecs to answer with, the caller's order decides, and to offer, best first; "
            "with rate_hz = 16000 and none named, G722 before these",
        ),
    ] = ("PCMU", "PCMA")
    rate_hz: Annotated[Literal[8000, 16000], Field(description="frames a second that are stored")] = 8000
    caller_labels: Annotated[
        tuple[str, ...], Field(description="a=label of streams that carry the caller; empty: the first stream does")
    ] = ()
    jitter_ms: Annotated[int, Field(ge=40, le=500, description="jitter that is made good, in milliseconds")] = 200
    rtp_timeout_s: Annotated[float, Field(ge=1, le=3600, description="a stream silent this long is a fault")] = 60
    dead_call_s: Annotated[float, Field(ge=2, le=86400, description="a call without RTP this long is hung up")] = 300
    held_call_s: Annotated[float, Field(ge=2, le=86400, description="a call on hold this long is hung up")] = 7200
    calls_per_s: Annotated[
        int,
        Field(
            ge=1, le=20, description="calls a worker takes in a second, 10 of them in half of it; more are answered 503"
        ),
    ] = 20
    worker_age_s: Annotated[
        float, Field(ge=0, le=31_536_000, description="a worker this old is replaced when it has no call; 0: never")
    ] = 86400
    worker_memory_mb: Annotated[
        int, Field(ge=0, le=65536, description="a worker of this much memory is replaced when it has no call; 0: never")
    ] = 150

    front: Annotated[
        Literal["auto", "kamailio", "none"],
        Field(
            description="what takes the calls on `port`: kamailio, which spreads them over the workers; "
            "none: the workers themselves, each on a port of its own; auto: kamailio where it is installed, else none"
        ),
    ] = "auto"
    peer_calls_per_s: Annotated[
        int,
        Field(
            ge=0,
            le=10000,
            description="with a front: calls that one address may begin in a second, more are answered 503; "
            "0: three quarters of what all workers take, so that a flood from one leaves room for the others",
        ),
    ] = 0
    media: Annotated[
        Literal["direct", "rtpengine"],
        Field(
            description="what takes the audio: direct: the workers; rtpengine, with a front: Debian's rtpengine before "
            "them, for callers that send SRTP (SDES or DTLS) or Opus"
        ),
    ] = "direct"
    rtpengine_ports: Annotated[
        int, Field(ge=1024, le=65000, description="with rtpengine: its first RTP port; it takes twelve a call")
    ] = 40000
    peers: Annotated[
        tuple[str, ...],
        Field(
            description="IPv4 addresses or networks that may send requests, phones that are called directly among "
            "them; the others get 403, or their connections are closed (TCP without a front); empty: everybody may"
        ),
    ] = ()
    tcp_connections: Annotated[
        int,
        Field(
            ge=1,
            le=500,
            description="without a front: TCP connections that a worker holds at once; one more takes the place of one "
            "of an address that has more of them, or is closed",
        ),
    ] = 200
    tcp_peer_connections: Annotated[
        int, Field(ge=1, le=500, description="without a front: those of one address among them; one more is closed")
    ] = 64
    tcp_idle_s: Annotated[
        float,
        Field(
            ge=1,
            le=86400,
            description="without a front: a TCP connection that says nothing for so long is closed, but not while a "
            "call that came by it is up",
        ),
    ] = 600
    tls_port: Annotated[int, Field(ge=0, le=65000, description="with a front: port for SIP over TLS; 0: none")] = 0
    tls_certificate: Annotated[
        Path | None,
        Field(
            description="certificate chain in PEM; without one the front makes its own",
            examples=["/etc/linetap/sip.crt"],
        ),
    ] = None
    tls_key: Annotated[
        Path | None, Field(description="the certificate's private key in PEM", examples=["/etc/linetap/sip.key"])
    ] = None

    metadata: dict[str, tuple[str, ...]] = Field(
        default={"device": ("agent-user",), "ani": ("caller-user",), "dnis": ("agent-user",)},
        description="SIPREC: fields of the call (device, ani, dnis, call_direction, agent_id, user1, ...) and where "
        "each stands: caller-user, caller-name, caller-aor, agent-user, agent-name, agent-aor, direction (I or O, if "
        "the metadata says who placed the call), element:NAME of the metadata, element:NAME/VALUE for one with that "
        "attribute, element-user:NAME for the user part of its URI, or a rule of device_from",
    )
    metadata_pauses: Annotated[
        bool,
        Field(
            description="SIPREC: a stream whose sender is said by the metadata to send on it no more is silence in its "
            "leg until somebody does, whatever comes on it"
        ),
    ] = True
    agents: Annotated[
        tuple[str, ...],
        Field(
            description="SIPREC: users or addresses of participants that are agents (shell patterns); "
            "empty: by `devices`, or else by the streams"
        ),
    ] = ()

    @pydantic.model_validator(mode="before")
    @classmethod
    def _wide_band_is_asked_for(cls, named: Any) -> Any:
        if isinstance(named, dict) and named.get("rate_hz") == _WIDE_BAND_HZ:
            return {"codecs": _WIDE_BAND_CODECS, **named}
        return named

    @pydantic.field_validator("host")
    @classmethod
    def _address(cls, host: str) -> str:
        ipaddress.IPv4Address(host)
        return host

    @pydantic.field_validator("device_from")
    @classmethod
    def _rules(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        for rule in rules:
            if not _RULE.fullmatch(rule):
                raise ValueError(f"{rule!r} is none of header:NAME, to-user, from-user, request-user")
        return rules

    @pydantic.field_validator("metadata")
    @classmethod
    def _mapping(cls, mapping: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for field, rules in mapping.items():
            if not _FIELD.fullmatch(field):
                raise ValueError(f"{field!r} is no name of a field")
            for rule in rules:
                if not (_RULE.fullmatch(rule) or _METADATA_RULE.fullmatch(rule)):
                    raise ValueError(f"{field}: {rule!r} is none of {', '.join(_RULES_NAMED)}")
        return mapping

    @pydantic.field_validator("peers")
    @classmethod
    def _networks(cls, peers: tuple[str, ...]) -> tuple[str, ...]:
        for peer in peers:
            ipaddress.IPv4Network(peer, strict=False)
        return peers

    @pydantic.model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.tls_port and self.tls_port != self.port + 1 and self.port <= self.tls_port <= self.port + 5000:
            raise ValueError("tls_port is port + 1, or far from port: the ports above it are the workers'")
        return self

    @pydantic.model_validator(mode="after")
    def _front_is_there(self) -> Self:
        if self.front == "none" and self.needs_front:
            raise ValueError(f"{self.needs_front} needs a front")
        if self.media == "rtpengine" and self.host == "0.0.0.0":  # noqa: S104 - a comparison
            raise ValueError('media = "rtpengine" needs one address in host, to be told to callers')
        if self.tls_to and not self.tls_port:
            raise ValueError(f"{self.tls_to} asks for TLS, which the front sends: that needs tls_port")
        return self

    @property
    def holds(self) -> dict[str, str]:
        """See :attr:`drivers.contract.TapOptions.holds`."""
        return {"port": f"{self.host}:{self.port}"}

    @property
    def call_fields(self) -> dict[str, frozenset[str]]:
        """See :attr:`drivers.contract.TapOptions.call_fields`; the device is no field of the call."""
        return {"metadata": frozenset(self.metadata) - {"device"}}

    @property
    def needs_front(self) -> str:
        """What is set that a front alone does; empty where nothing is."""
        if self.media == "rtpengine":
            return 'media = "rtpengine"'
        return next((name for name in ("tls_port", "peer_calls_per_s") if getattr(self, name)), "")

    @property
    def stores_wide_band(self) -> bool:
        """Whether more is stored than G.711 carries."""
        return self.rate_hz == _WIDE_BAND_HZ

    def sip_port(self, worker: int) -> int:
        """Port of the worker without a front, UDP and TCP."""
        return self.port + 2 * worker

    @property
    def inside_port(self) -> int:
        """Port of the front towards the workers; on the loopback."""
        return self.port + 2

    @property
    def engine_port(self) -> int:
        """Port by which the front controls rtpengine; on the loopback."""
        return self.port + 3

    def worker_port(self, worker: int) -> int:
        """Port of the worker behind a front; its door for metadata is one above. Both on the loopback."""
        return self.port + _PORTS_OF_THE_FRONT + 2 * worker

    def rtp_range(self, worker: int) -> tuple[int, int]:
        """First RTP port of the worker, and how many it may use."""
        return self.rtp_ports + _RTP_PORTS_A_WORKER * worker, _RTP_PORTS_A_WORKER

    def knows(self, device: str) -> bool:
        """Tell whether the device's name is there and one of ``devices``."""
        return bool(device) and any(fnmatch.fnmatchcase(device, pattern) for pattern in self.devices)

    def is_agent(self, name: str) -> bool:
        """Tell whether a participant of that user or address is an agent; never where no pattern says who is."""
        patterns = self.agents or [pattern for pattern in self.devices if pattern != "*"]
        return bool(name) and any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
