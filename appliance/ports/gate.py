"""The gate of one port: judges who comes in before a byte of theirs is read, and keeps what they did wrong."""

from __future__ import annotations

import asyncio
import collections
from typing import Any, final

from appliance import clock
from appliance.ports.addresses import is_allowed, plain
from appliance.ports.rate import Rates
from appliance.ports.refusals import CONNECTION_REASONS, Reason, Refusals
from appliance.settings.models import Listener


@final
class Visit:
    """One connection that the gate let in. ``who`` is what the client proved to be, blank while it did not."""

    def __init__(self, gate: Gate, host: str, port: int) -> None:
        self.gate = gate
        self.host = host
        self.peer = f"{host}:{port}"
        self.who = ""
        self._inside = True

    def identify(self, transport: asyncio.BaseTransport) -> None:
        """Take the name of the client's certificate, if TLS asked for one and found it good."""
        certificate: dict[str, Any] = transport.get_extra_info("peercert") or {}
        names = dict(part[0] for part in certificate.get("subject", ()))
        if certificate:
            self.who = f"certificate {names.get('commonName') or certificate.get('serialNumber', '')}"

    def refuse(self, reason: Reason, detail: str = "") -> None:
        """Count and log something that is refused to this client."""
        self.gate.refusals.refuse(self.peer, reason, detail)

    def delay_s(self) -> float:
        """How long the client's next request has to wait so that its address keeps to the rate; its place is kept."""
        delay_s = self.gate.rates.delay_s(self.host, clock.monotonic_s())
        if delay_s:
            self.refuse(Reason.RATE, "slowed down")
        return delay_s

    def may_ask(self) -> bool:
        """Whether the client's next request keeps to the rate; counts and logs one that does not."""
        if self.gate.rates.take(self.host, clock.monotonic_s()):
            return True
        self.refuse(Reason.RATE)
        return False

    def leave(self) -> None:
        """Give the place back; a second time does nothing."""
        if self._inside:
            self._inside = False
            self.gate.left(self)


@final
class Gate:
    """Who is inside one port. ``name`` is the port's in the log and at ``/metrics``."""

    def __init__(self, name: str, settings: Listener) -> None:
        self.name = name
        self.settings = settings
        self.refusals = Refusals(name)
        self.rates = Rates(settings.max_requests_per_s)
        self._inside: collections.Counter[str] = collections.Counter()

    @property
    def connections(self) -> int:
        """Connections that are open now, those that still shake hands included."""
        return self._inside.total()

    @property
    def refused_connections(self) -> int:
        """Connections that were closed before anything was read."""
        return sum(self.refusals.counts[reason] for reason in CONNECTION_REASONS)

    def admit(self, host: str, port: int) -> Visit | None:
        """Let a connection in, or say in the log why not."""
        host = plain(host)
        if reason := self._objection(host):
            self.refusals.refuse(f"{host}:{port}", reason)
            return None
        self._inside[host] += 1
        return Visit(self, host, port)

    def left(self, visit: Visit) -> None:
        """Forget one connection."""
        self._inside[visit.host] -= 1
        if not self._inside[visit.host]:
            del self._inside[visit.host]

    def _objection(self, host: str) -> Reason | None:
        if not is_allowed(host, self.settings.allow):
            return Reason.ADDRESS
        if self.connections >= self.settings.max_connections:
            return Reason.CONNECTIONS
        return Reason.PEER_CONNECTIONS if self._inside[host] >= self.settings.max_connections_per_peer else None
