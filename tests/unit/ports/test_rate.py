from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.ports.rate import BURST_S, Rates


def test_a_burst_then_an_even_pace() -> None:
    rates = Rates(2)
    burst = int(2 * BURST_S)
    assert [rates.delay_s("a", 100) for _ in range(burst)] == [0] * burst
    assert [rates.delay_s("a", 100) for _ in range(3)] == [0.5, 1.0, 1.5]
    assert rates.delay_s("b", 100) == 0
    assert rates.delay_s("a", 100 + 60) == 0


def test_a_request_that_is_refused_takes_no_place() -> None:
    rates = Rates(2)
    assert sum(rates.take("a", 100) for _ in range(1000)) == int(2 * BURST_S)
    assert not rates.take("a", 100.4)
    assert rates.take("a", 100.5)


def test_zero_is_no_limit() -> None:
    rates = Rates(0)
    assert all(rates.take("a", 1) for _ in range(100_000))
    assert rates.delay_s("a", 1) == 0


@given(st.lists(st.floats(0, 5), max_size=200))
def test_never_more_than_the_burst_and_the_rate(pauses_s: list[float]) -> None:
    rates, now_s, taken = Rates(3), 50.0, 0
    for pause_s in pauses_s:
        now_s += pause_s
        taken += rates.take("a", now_s)
        assert taken <= 3 * (BURST_S + now_s - 50) + 1e-6


def test_addresses_at_rest_are_forgotten() -> None:
    rates = Rates(10)
    for n in range(20_000):
        rates.take(str(n), n)
    assert len(rates._next_s) <= 4097
