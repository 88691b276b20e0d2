"""All taps planned together: their lines become channels, and every fault is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.capture import planning
from appliance.capture.planning import Planned
from appliance.channels.pool import ChannelPool
from appliance.taps import Taps
from drivers.contract import Line, TapFailedError, TapOptions, TapOptionsError, WorkerPlan

Plans = dict[str, Planned | Exception]


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> Plans:
    """What each tap answers."""
    found: Plans = {}

    async def ask(options: TapOptions) -> Planned:
        answer = found[options.name]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(planning, "ask", ask)
    return found


def planned(*listens: str, lines: str = "01") -> Planned:
    return Planned(workers=(WorkerPlan(0, tuple(Line(name, 2, 8000) for name in lines), listens=listens),))


async def pool_of(plans: Plans, tmp_path: Path, assign: dict[str, str] | None = None) -> ChannelPool:
    pool = ChannelPool()
    await Taps([TapOptions(name=name, kind="x", assign=assign or {}) for name in plans], tmp_path).plan(pool)
    return pool


async def test_lines_are_channels_in_the_order_of_the_settings(plans: Plans, tmp_path: Path) -> None:
    plans.update(b=planned(), a=planned(lines="2"))
    assert [(channel.tap, channel.line) for channel in await pool_of(plans, tmp_path)] == [
        ("b", "0"),
        ("b", "1"),
        ("a", "2"),
    ]


@pytest.mark.parametrize(
    ("one", "other", "fault"),
    [
        ("127.0.0.1:5062", "127.0.0.1:5062", "127.0.0.1:5062"),
        ("0.0.0.0:5062", "127.0.0.1:5062", "127.0.0.1:5062 and 0.0.0.0:5062"),
        ("127.0.0.2:5062", "127.0.0.1:5062", ""),
        ("127.0.0.1:5060", "127.0.0.1:5062", ""),
    ],
)
async def test_two_taps_do_not_listen_on_one_address(
    one: str, other: str, fault: str, plans: Plans, tmp_path: Path
) -> None:
    plans.update(a=planned("127.0.0.1:1", one), b=planned(other))
    if not fault:
        assert len(await pool_of(plans, tmp_path)) == 4
        return
    with pytest.raises(TapOptionsError) as told:
        await pool_of(plans, tmp_path)
    assert str(told.value) == f"tap b and tap a both listen on {fault}: one needs another port"


async def test_every_fault_is_told_with_its_tap(plans: Plans, tmp_path: Path) -> None:
    plans.update(a=TapOptionsError("tap a: no such card"), b=planned(), c=planned(lines="7"))
    with pytest.raises(TapOptionsError) as told:
        await pool_of(plans, tmp_path, assign={"7": "playback"})
    assert str(told.value).splitlines() == [
        "tap a: no such card",
        "tap b: assign: there is no line 7; there are 0, 1",
    ]


async def test_a_plan_that_fails_is_no_fault_of_the_settings(plans: Plans, tmp_path: Path) -> None:
    plans.update(a=TapOptionsError("tap a: no such card"), b=TapFailedError("tap b: no plan within 30 s"))
    with pytest.raises(TapFailedError):
        await pool_of(plans, tmp_path)
