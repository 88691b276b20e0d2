"""Processes of a SIP trunk are killed under calls: what dies with them is told, and everything else is whole."""

from __future__ import annotations

import collections
import time
from collections.abc import Sequence

import pytest

from drivers.taps.sip.front import Program
from hil.chaos import VICTIMS, Verdict, Victim, carry_out, judge_all, plan_kills
from hil.load import run_load

pytestmark = pytest.mark.skipif(Program.find() is None, reason="kamailio is not installed")

CALLS = 10  # on three workers
MOST_LOST_MS = 350  # the jitter buffer's 200, and the worker's own 150


def survive(plan: Sequence[tuple[float, Victim]], seconds: float) -> list[Verdict]:
    """Run the calls and the kills; gives what became of each call."""
    with run_load(CALLS, seconds, front=True) as load:
        kills = carry_out(load.box, plan, 5, time.monotonic())
        assert [kill.victim for kill in kills] == [victim for _, victim in plan]
        verdicts = judge_all(load, kills, MOST_LOST_MS)
        assert [verdict for verdict in verdicts if verdict.fault] == []
    return verdicts


def test_what_dies_with_a_killed_worker_is_told_and_its_callers_hear_of_it() -> None:
    verdicts = survive([(2.0, "worker"), (5.0, "worker")], 9)
    killed = [verdict for verdict in verdicts if verdict.killed]
    assert killed
    assert all(verdict.told for verdict in killed)
    assert any(not verdict.killed for verdict in verdicts)


def test_calls_outlive_kamailio_and_its_keeper() -> None:
    verdicts = survive([(2.0, "kamailio"), (5.0, "front"), (8.0, "a process of kamailio")], 12)
    assert not any(verdict.killed or verdict.told for verdict in verdicts)


def test_kills_are_drawn_from_the_seed() -> None:
    assert plan_kills(3, 6, 30) == plan_kills(3, 6, 30)
    assert plan_kills(3, 6, 30) != plan_kills(4, 6, 30)
    assert all(2 <= moment <= 27 for moment, _ in plan_kills(3, 200, 30))
    assert collections.Counter(victim for _, victim in plan_kills(3, 12, 30)) == dict.fromkeys(VICTIMS, 3)
