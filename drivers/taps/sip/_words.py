"""What the codes of SIP mean for a call, in words for the record."""

from __future__ import annotations

from typing import Final

_REFUSED: Final = {
    401: "not authorized",
    403: "forbidden",
    404: "not found",
    407: "not authorized",
    408: "no answer",
    410: "not found",
    420: "what we ask for is not supported",
    480: "not available",
    481: "the call that was to be joined is gone",
    484: "the number is incomplete",
    486: "busy",
    487: "cancelled",
    488: "no common codec",
    502: "not reachable",
    503: "not available",
    504: "no answer",
    600: "busy",
    603: "declined",
    604: "not found",
}
_ENDED: Final = {
    408: "the far end answers no more",
    481: "the far end does not know the call any more",
    487: "the caller cancelled",
}
_TIMED_OUT: Final = 408


def refusal(reason: str) -> str:
    """Why a call that we placed was not taken, from its last code and phrase."""
    return f"{_REFUSED.get(_code(reason), 'refused')} ({reason.strip()})"


def end_of_call(reason: str, *, was_up: bool) -> str:
    """Why a call ended that PJSIP has ended, from its last code and phrase; ``was_up``: its answer was acknowledged."""
    code = _code(reason)
    if code == _TIMED_OUT and not was_up:
        return f"the answer was not acknowledged ({reason.strip()})"
    if code < 300:
        return "the far end hung up"
    return f"{_ENDED.get(code, 'the call failed')} ({reason.strip()})"


def _code(reason: str) -> int:
    code = reason.split(" ", 1)[0]
    return int(code) if code.isdecimal() else 0
