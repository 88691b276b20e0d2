from __future__ import annotations

import pytest

from appliance.mail.address import is_address, is_allowed, read_addresses


@pytest.mark.parametrize(
    "text", ["a@b", "a.b+c@mail.example.com", "o'hara@example.com", "1@1.example", "x" * 64 + "@example.com"]
)
def test_addresses(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "@b", "a@", "a@b@c", ".a@b", "a.@b", "a..b@c", "a b@c", "a@b_c", "a@-b", "a@b-", "a@b.", "a@.b"),
        *("a@b\r\nBcc: c@d", "a@b\n", "<a@b>", '"a"@b', "ä@b", "a@bü.de", "a@b>", "a,b@c", "a@[127.0.0.1]"),
        *("x" * 65 + "@example.com", "a@" + "b." * 130 + "c"),
    ],
)
def test_no_addresses(text: str) -> None:
    assert not is_address(text)


def test_a_list_gives_each_address_once() -> None:
    assert read_addresses("a@b, c@d;e@f  a@b;") == ("a@b", "c@d", "e@f")


@pytest.mark.parametrize(("text", "fault"), [("; ,", "no address"), ("a@b,c", "'c', which is no mail address")])
def test_a_list_with_a_fault_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_addresses(text)


def test_a_list_is_bounded() -> None:
    assert len(read_addresses(",".join(f"a{n}@b" for n in range(20)))) == 20
    with pytest.raises(ValueError, match="more than 20"):
        read_addresses(",".join(f"a{n}@b" for n in range(21)))


def test_patterns_of_recipients() -> None:
    assert is_allowed("Ann@Example.COM", ("*@other.com", "*@example.com"))
    assert not is_allowed("ann@example.com.evil.org", ("*@example.com",))
    assert not is_allowed("ann@example.com", ())
