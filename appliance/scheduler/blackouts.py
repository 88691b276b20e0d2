"""Blackouts: whose calls are silent from when to when, and the orders that make their recordings so.

A blackout is tied to a call and ends with it, or to an agent, whose calls it then silences one after the other until
it is stopped. What the writer has written already is overwritten with silence; it cannot become audio again, so an end
that reaches further back than the hold-back counts from there.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections.abc import Iterable, Sequence
from typing import Literal, Protocol, final

from appliance import clock
from appliance.bus.control import BeginBlackout, EndBlackout
from appliance.calls.blackout import Blackout
from appliance.calls.call import Call
from appliance.calls.devices import DeviceTable
from appliance.calls.fields import CallFields
from appliance.calls.table import CallTable
from appliance.errors import BlackoutStateError, RecorderNotRunningError, UnlicensedError
from appliance.recording.active import ActiveRecording
from drivers.contract import TapError

logger = logging.getLogger(__name__)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class BlackoutRules:
    """Settings that blackouts go by; see ``[recording]``. Times in seconds; a ``max_s`` of 0 is no limit."""

    enabled: bool = True
    tied_to: Literal["call", "agent"] = "call"
    max_s: float = 0
    holdback_s: float = 10


class Orders(Protocol):
    """The recorder's verbs for one recording."""

    def begin_blackout(self, active: ActiveRecording, blackout: Blackout) -> None:
        """Order silence, before this returns. Raises TapFailedError."""
        ...

    def end_blackout(self, active: ActiveRecording, blackout: Blackout) -> None:
        """Order audio again."""
        ...


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Whom:
    """Whose calls a blackout of an agent silences: the first name that both sides have decides, else the device."""

    device_id: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, device_id: str, fields: CallFields) -> Whom:
        """Give who has the call, as far as its fields tell."""
        names = (fields.agent_id, fields.sys_user, fields.crm_user, fields.device_alias)
        return cls(device_id, tuple(name.casefold() for name in names))

    def is_same(self, other: Whom) -> bool:
        """Whether both are the same agent."""
        for own, its in zip(self.names, other.names, strict=True):
            if own and its:
                return own == its
        return self.device_id == other.device_id


@final
@dataclasses.dataclass(slots=True, eq=False)
class _Standing:
    """A blackout that nobody has ended: on one call, or on all calls of an agent."""

    blackout: Blackout
    call: Call | None
    whom: Whom | None


@final
class Blackouts:
    """All blackouts of a core. Belongs to its event loop and never waits.

    Parameters
    ----------
    active
        The core's recordings that go on; read each time anew.
    """

    def __init__(
        self,
        calls: CallTable,
        devices: DeviceTable,
        active: Sequence[ActiveRecording],
        orders: Orders,
        rules: BlackoutRules,
    ) -> None:
        self._calls = calls
        self._devices = devices
        self._active = active
        self._orders = orders
        self._rules = rules
        self._standing: list[_Standing] = []
        self._numbers = itertools.count(1)

    def begin(self, command: BeginBlackout) -> bool:
        """Begin a blackout; False where the device has no open call.

        A second begin adds what lies before the first, if anything does. Raises UnlicensedError,
        BlackoutStateError, and RecorderNotRunningError where a recording's order could not be written down.
        """
        self._judge_enabled()
        call = self._calls.find(command.device_id, command.call_instance)
        standing = self._found(call, command.device_id)
        if standing and command.strict:
            raise BlackoutStateError
        if standing and min(s.blackout.from_mono_s for s in standing) <= command.at_mono_s:
            return call is not None
        blackout = Blackout(next(self._numbers), command.at_mono_s, reason="BLACKOUTSTART")
        if self._rules.tied_to == "agent":
            whom = self._whom(command.device_id, call)
            self._standing.append(_Standing(blackout, None, whom))
            self._put(blackout, [c for c in self._calls.open_calls() if Whom.of(c.device_id, c.fields).is_same(whom)])
        elif call:
            self._standing.append(_Standing(blackout, call, None))
            self._put(blackout, [call])
        return call is not None

    def end(self, command: EndBlackout) -> bool:
        """End the blackouts of the device's call or agent; False where the device has no open call.

        Raises UnlicensedError, and BlackoutStateError.
        """
        self._judge_enabled()
        call = self._calls.find(command.device_id, command.call_instance)
        standing = self._found(call, command.device_id)
        if not standing and call and command.strict:
            raise BlackoutStateError
        written_mono_s = clock.monotonic_s() - self._rules.holdback_s
        for one in standing:
            self._end(one, max(command.at_mono_s, written_mono_s))
        return call is not None

    def opened(self, call: Call) -> None:
        """Take note of a call that begins, or whose data changed: its agent's blackout goes on."""
        whom = Whom.of(call.device_id, call.fields)
        for one in self._standing:
            if one.whom and one.whom.is_same(whom) and one.blackout not in call.blackouts:
                self._put(one.blackout, [call])

    def tick(self) -> None:
        """End what has lasted as long as it may, and forget what ended with its call."""
        now_s = clock.monotonic_s()
        self._standing = [one for one in self._standing if one.call is None or one.call.open]
        for one in list(self._standing):
            until_mono_s = one.blackout.from_mono_s + self._rules.max_s
            if self._rules.max_s and now_s >= until_mono_s:
                logger.warning("blackout %d ends: nobody stopped it for %g s", one.blackout.number, self._rules.max_s)
                self._end(one, until_mono_s)

    def _judge_enabled(self) -> None:
        if not self._rules.enabled:
            raise UnlicensedError("blackouts are switched off")

    def _whom(self, device_id: str, call: Call | None) -> Whom:
        last = call or next((c for c in self._calls if c.device_id == device_id), None)
        if last:
            return Whom.of(device_id, last.fields)
        known = self._devices.known(device_id)
        if known is None:
            return Whom.of(device_id, CallFields())
        told = CallFields(device_alias=known.device_alias, sys_user=known.sys_user, crm_user=known.crm_user)
        return Whom.of(device_id, told)

    def _found(self, call: Call | None, device_id: str) -> list[_Standing]:
        whom = self._whom(device_id, call)
        return [one for one in self._standing if (one.whom.is_same(whom) if one.whom else one.call is call)]

    def _put(self, blackout: Blackout, calls: Iterable[Call]) -> None:
        """Silence the calls. What cannot be ordered is refused, and the silence stays wherever it was ordered."""
        refused: list[TapError] = []
        for call in calls:
            call.blackouts.append(blackout)
            for active in self._on(call):
                try:
                    self._orders.begin_blackout(active, blackout)
                except TapError as error:
                    refused.append(error)
        if refused:
            raise RecorderNotRunningError(f"a recording does not take the blackout: {refused[0]}") from refused[0]

    def _end(self, one: _Standing, at_mono_s: float) -> None:
        self._standing.remove(one)
        one.blackout.until_mono_s = max(one.blackout.from_mono_s, at_mono_s)
        for active in self._active:
            if one.blackout in active.call.blackouts:
                self._orders.end_blackout(active, one.blackout)

    def _on(self, call: Call) -> list[ActiveRecording]:
        return [active for active in self._active if active.call is call]
