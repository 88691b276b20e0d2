"""From what a client names to whom SIP calls: the number, the URI it is completed to, the digits after the answer."""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from typing import Final, final

from drivers.contract import NumberInvalidError
from drivers.taps.sip._dialling import DiallingOptions

_NUMBER: Final = re.compile(r"\+?[0-9A-Za-z*#][0-9A-Za-z*#._-]{0,63}")
_DIGITS: Final = re.compile(r"[0-9A-Da-d*#,]{0,64}")
_UNESCAPED: Final = "+*._-"  # of what a number may hold, all but # may stand in a URI as it is (RFC 3261 chapter 25)


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """Whom to call, and what to dial when the call is answered (commas are pauses)."""

    number: str
    uri: str
    digits: str


def target(options: DiallingOptions, text: str) -> Target:
    """Complete a number such as ``5003,,12#``. Raises NumberInvalidError.

    Only what a telephone number or an extension's name is made of goes through, so that no client writes into the
    SIP message: PJSIP takes line breaks inside header values.
    """
    number, comma, rest = text.partition(",")
    digits = comma + rest
    if not _NUMBER.fullmatch(number) or not _DIGITS.fullmatch(digits):
        raise NumberInvalidError(f"{text!r} is no number that can be dialled")
    return Target(number, _completed(template(options), number), digits)


def conference(options: DiallingOptions, number: str) -> str:
    """Give the URI by which the call at a phone is joined by calling; empty where none is set."""
    return _completed(options.join_uri, number) if options.join_uri else ""


def template(options: DiallingOptions) -> str:
    """Give the URI that numbers are put into. Raises NumberInvalidError where nothing says how."""
    account = options.dialling_account
    if options.dial_uri:
        return options.dial_uri
    if account is not None:
        return f"sip:{{number}}@{account.domain}"
    raise NumberInvalidError(f"tap {options.name} has neither dial_uri nor an account to call by")


def _completed(uri: str, number: str) -> str:
    return uri.replace("{number}", urllib.parse.quote(number, safe=_UNESCAPED))
