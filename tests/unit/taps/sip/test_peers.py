"""Who may speak to a worker without a front."""

from __future__ import annotations

import pytest

from drivers.taps.sip._peers import Peers


@pytest.mark.parametrize("address", ["192.0.2.7", "10.1.2.3", "::1", ""])
def test_an_empty_list_lets_everybody_in(address: str) -> None:
    assert Peers(()).turn_away(address) is None


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("10.255.0.1", None),
        ("192.0.2.7", None),
        ("192.0.2.8", 403),
        ("11.0.0.1", 403),
        ("::1", 403),
        ("", 403),
    ],
)
def test_networks_and_addresses(address: str, answer: int | None) -> None:
    assert Peers(("10.0.0.0/8", "192.0.2.7")).turn_away(address) == answer


def test_a_flood_of_strangers_is_not_answered() -> None:
    peers = Peers(("10.0.0.0/8",))
    answers = [peers.turn_away("192.0.2.1") for _ in range(200)]
    assert answers[:50] == [403] * 50
    assert set(answers[50:100]) == {0}
    assert peers.turn_away("10.0.0.1") is None
