"""The page of figures."""

from __future__ import annotations

from appliance.metrics import Figure, page


def test_kin_stand_together_under_one_head_whatever_part_told_them() -> None:
    first = [Figure("calls_total", "Calls.", 2, (("tap", "a"),)), Figure("up", "Whether.", True)]
    second = [Figure("calls_total", "Calls.", 3.5, (("tap", 'b"\\\n'),))]
    assert page((lambda: first, lambda: second)) == (
        "# HELP calls_total Calls.\n"
        "# TYPE calls_total counter\n"
        'calls_total{tap="a"} 2\n'
        'calls_total{tap="b\\"\\\\\\n"} 3.5\n'
        "# HELP up Whether.\n"
        "# TYPE up gauge\n"
        "up 1\n"
    )


def test_large_counts_keep_every_digit() -> None:
    assert "octets 1234567890123\n" in page((lambda: [Figure("octets", "Octets.", 1234567890123)],))
