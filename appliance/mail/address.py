"""Which texts are mail addresses, and to which of them mail may go."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from appliance.settings.models import MAIL_ADDRESS

MOST_ADDRESSES = 20

_ADDRESS = re.compile(MAIL_ADDRESS)
_LONGEST = 254  # RFC 5321, 4.5.3.1.3 without its angle brackets
_LONGEST_LOCAL = 64
_BETWEEN = re.compile(r"[,;\s]+")


def read_addresses(text: str) -> tuple[str, ...]:
    """Give the addresses of a list with commas, semicolons or blanks between, each once. Raises ValueError."""
    addresses = tuple(dict.fromkeys(part for part in _BETWEEN.split(text) if part))
    if not addresses:
        raise ValueError("holds no address")
    for address in addresses:
        if not is_address(address):
            raise ValueError(f"holds {address!r}, which is no mail address")
    if len(addresses) > MOST_ADDRESSES:
        raise ValueError(f"holds more than {MOST_ADDRESSES} addresses")
    return addresses


def is_address(text: str) -> bool:
    """Whether it is an address in plain ASCII, without quotes or comments (RFC 5321, 4.1.2: a dot-string)."""
    local = text.partition("@")[0]
    return len(text) <= _LONGEST and len(local) <= _LONGEST_LOCAL and _ADDRESS.fullmatch(text) is not None


def is_allowed(address: str, patterns: Iterable[str]) -> bool:
    """Whether one of the shell patterns matches, in any letter case."""
    return any(fnmatchcase(address.lower(), pattern.lower()) for pattern in patterns)
