"""A day and a seed become a list of messages with their moments: the same ones each time."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Mapping
from typing import Final, final

from appliance.simulate.day import Call, Day, Traffic, Values

_PAUSE_S: Final = 5.0
"""A device rests so long between two calls of the traffic."""
_SECONDS: Final = ("MAXRECORDTIME", "MAXRECORDSILENCE", "TIMEOFFSET")
_ENDS: Final = {"CALLSTART": "CALLSTOP", "CHATSTART": "CHATSTOP"}


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Act:
    """One message, at a time of the day in seconds. ``values`` have TYPE in front; ``says`` is told before it."""

    at_s: float
    values: Mapping[str, str | int]
    says: str = ""


def plan_day(day: Day, seed: int) -> list[Act]:
    """Give all messages of the day in their order."""
    chance = random.Random(seed)
    alias = {agent.device: agent.phone for agent in day.agents}
    acts: list[Act] = []
    for call in day.calls:
        acts += _acts_of(call, alias, chance)
    for message in day.messages:
        acts.append(Act(message.at, {"TYPE": message.type, **_drawn(message.values, chance)}, message.says))
    busy = [(call.device, call.at, call.at + call.lasts_s) for call in day.calls]
    for traffic in day.traffic:
        for call in _calls_of(traffic, busy, chance):
            busy.append((call.device, call.at, call.at + call.lasts_s))
            acts += _acts_of(call, alias, chance)
    return sorted((act for act in acts if act.at_s <= day.ends), key=lambda act: act.at_s)


def scale(values: Mapping[str, str | int], speed: float) -> dict[str, str | int]:
    """Shorten what is in seconds, for a day that runs faster; what is not 0 does not become 0."""
    return {name: _shorter(value, speed) if name in _SECONDS else value for name, value in values.items()}


def end_of(values: Mapping[str, str | int]) -> dict[str, str | int] | None:
    """Give the message that ends what this one begins, None if it begins nothing."""
    kind = _ENDS.get(str(values["TYPE"]).upper())
    keys = ("DEVICEID", "CALLINSTANCE", "SESSIONID")
    return {"TYPE": kind, **{name: values[name] for name in keys if name in values}} if kind else None


def _shorter(value: str | int, speed: float) -> int:
    shorter = round(int(value) / speed)
    return shorter or (int(value) > 0) - (int(value) < 0)


def _acts_of(call: Call, alias: Mapping[str, str], chance: random.Random) -> Iterator[Act]:
    keys: dict[str, str | int] = {"SESSIONID": call.session} if call.kind == "chat" else {"DEVICEID": call.device}
    if call.instance:
        keys["CALLINSTANCE"] = call.instance
    begin, end = ("CHATSTART", "CHATSTOP") if call.kind == "chat" else ("CALLSTART", "CALLSTOP")
    named = {"DEVICEALIAS": alias[call.device]} if call.kind == "call" and call.device in alias else {}
    yield Act(call.at, {"TYPE": begin, **keys, **named, **_drawn(call.fields, chance)}, call.says)
    for deed in call.does:
        yield Act(call.at + deed.after_s, {"TYPE": deed.type, **keys, **_drawn(deed.values, chance)})
    yield Act(call.at + call.lasts_s, {"TYPE": end, **keys})


def _calls_of(traffic: Traffic, busy: list[tuple[str, float, float]], chance: random.Random) -> Iterator[Call]:
    at_s = traffic.begin
    while (at_s := at_s + chance.expovariate(traffic.calls_an_hour / 3600)) < traffic.end:
        answered = chance.uniform(0, 100) >= traffic.unanswered_percent
        lasts_s = round(chance.uniform(*(traffic.lasts_s if answered else traffic.rings_s)), 1)
        free = [device for device in traffic.devices if not _is_busy(device, at_s, at_s + lasts_s, busy)]
        device = chance.choice(free or traffic.devices)
        call = _call(traffic, device, round(at_s, 1), lasts_s, chance, answered=answered)
        if free:
            yield call


def _is_busy(device: str, begin_s: float, end_s: float, busy: list[tuple[str, float, float]]) -> bool:
    return any(one == device and begin_s < end + _PAUSE_S and begin < end_s + _PAUSE_S for one, begin, end in busy)


def _call(traffic: Traffic, device: str, at_s: float, lasts_s: float, chance: random.Random, *, answered: bool) -> Call:
    does: list[dict[str, object]] = []
    if answered and chance.uniform(0, 100) < traffic.update_percent:
        does.append({"after_s": round(lasts_s / 3, 1), "type": "CALLUPDATE", **_drawn(traffic.updates, chance)})
    if answered and chance.uniform(0, 100) < traffic.blackout_percent:
        does.append({"after_s": round(lasts_s / 2, 1), "type": "BLACKOUTSTART"})
        does.append({"after_s": round(lasts_s * 2 / 3, 1), "type": "BLACKOUTSTOP"})
    form = {"device": device, "lasts_s": lasts_s, "fields": _drawn(traffic.fields, chance), "does": does}
    says = "" if answered else "nobody takes this call"
    return Call.model_validate({"at": _written(at_s), "says": says, **form})


def _written(at_s: float) -> str:
    minutes, seconds = divmod(int(at_s), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


def _drawn(values: Values, chance: random.Random) -> dict[str, str | int]:
    """Draw one of each list, and digits."""
    drawn: dict[str, str | int] = {}
    for name, value in values.items():
        one = chance.choice(value) if isinstance(value, tuple) else value
        drawn[name] = (
            "".join(str(chance.randrange(10)) if c == "#" else c for c in one) if isinstance(one, str) else one
        )
    return drawn
