from __future__ import annotations

import pytest

from drivers.taps.sip._words import end_of_call, refusal


@pytest.mark.parametrize(
    ("reason", "was_up", "text"),
    [
        ("200 Normal call clearing", True, "the far end hung up"),
        ("0 ", True, "the far end hung up"),
        ("408 Request Timeout", False, "the answer was not acknowledged (408 Request Timeout)"),
        ("408 Request Timeout", True, "the far end answers no more (408 Request Timeout)"),
        ("481 Gone", True, "the far end does not know the call any more (481 Gone)"),
        ("487 Request Terminated", False, "the caller cancelled (487 Request Terminated)"),
        ("500 ", True, "the call failed (500)"),
    ],
)
def test_why_a_call_ended(reason: str, was_up: bool, text: str) -> None:  # noqa: FBT001 -- a parameter of the test
    assert end_of_call(reason, was_up=was_up) == text


def test_why_a_call_was_not_taken() -> None:
    assert refusal("486 Busy Here") == "busy (486 Busy Here)"
    assert refusal("699 Odd") == "refused (699 Odd)"
