"""The states of a channel and the only ways from one to another, as data.

The names are the wire's (STATE of CHANNELS); ``number`` is the integer that chapter 9 of the manual gives the state.
``python -m appliance.channels.states`` prints the table as a mermaid diagram for the docs.
"""

from __future__ import annotations

import enum
from typing import Final


class ChannelState(enum.StrEnum):
    """What a channel is doing, by its name on the wire."""

    IDLE = "Idle"
    OFF_HOOK = "OffHook"
    PREPARING = "PreparingToRecord"
    WAITING = "Waiting"
    RECORDING = "Recording"
    FINISHING = "FinishRecording"
    DIALING_FOR_PLAYBACK = "DialingForPlayback"
    PLAYBACK = "Playback"
    RESETTING = "Resetting"
    ERROR = "Error"

    @property
    def number(self) -> int:
        """The integer of the manual's chapter 9."""
        return _NUMBERS[self]


_NUMBERS: Final = {
    ChannelState.IDLE: 0,
    ChannelState.OFF_HOOK: 1,
    ChannelState.RECORDING: 2,
    ChannelState.PLAYBACK: 3,
    ChannelState.WAITING: 4,
    ChannelState.ERROR: 5,
    ChannelState.RESETTING: 6,
    ChannelState.PREPARING: 7,
    ChannelState.FINISHING: 8,
    ChannelState.DIALING_FOR_PLAYBACK: 9,
}


class Trigger(enum.StrEnum):
    """What happens to a channel."""

    ARRIVED = "call arrived"
    LEFT = "call left"
    PREPARED = "taken for a recording"
    EXPECTED = "waits for media"
    CAPTURED = "audio is captured"
    STOPPED = "recording stopped"
    FREED = "line is free"
    STILL_UP = "call is still up"
    DIALED = "dialled for playback"
    ANSWERED = "playback was answered"
    FAILED = "line failed"
    RESET = "line is opened again"
    RECOVERED = "line works again"


_S, _T = ChannelState, Trigger

TRANSITIONS: Final[dict[ChannelState, dict[Trigger, ChannelState]]] = {
    _S.IDLE: {_T.ARRIVED: _S.OFF_HOOK, _T.PREPARED: _S.PREPARING, _T.DIALED: _S.DIALING_FOR_PLAYBACK},
    _S.OFF_HOOK: {_T.PREPARED: _S.PREPARING, _T.LEFT: _S.IDLE},
    _S.PREPARING: {
        _T.CAPTURED: _S.RECORDING,
        _T.EXPECTED: _S.WAITING,
        _T.ARRIVED: _S.PREPARING,
        _T.STOPPED: _S.FINISHING,
        _T.LEFT: _S.FINISHING,
    },
    _S.WAITING: {_T.CAPTURED: _S.RECORDING, _T.STOPPED: _S.FINISHING, _T.LEFT: _S.FINISHING},
    _S.RECORDING: {_T.STOPPED: _S.FINISHING, _T.LEFT: _S.FINISHING},
    _S.FINISHING: {_T.FREED: _S.IDLE, _T.STILL_UP: _S.OFF_HOOK, _T.LEFT: _S.FINISHING},
    _S.DIALING_FOR_PLAYBACK: {_T.ANSWERED: _S.PLAYBACK, _T.FREED: _S.IDLE, _T.ARRIVED: _S.OFF_HOOK},
    _S.PLAYBACK: {_T.FREED: _S.IDLE},
    _S.ERROR: {_T.RESET: _S.RESETTING, _T.FAILED: _S.ERROR},
    _S.RESETTING: {_T.RECOVERED: _S.IDLE},
}
"""Besides these, :attr:`Trigger.FAILED` leads from every state to Error."""


class TransitionError(Exception):
    """A trigger that the state does not know: a fault of the code, never of a client."""


def following(state: ChannelState, trigger: Trigger) -> ChannelState:
    """Give the state that follows. Raises :class:`TransitionError`."""
    if trigger is Trigger.FAILED:
        return ChannelState.ERROR
    try:
        return TRANSITIONS[state][trigger]
    except KeyError:
        raise TransitionError(f"a channel in state {state} has no way for {trigger!r}") from None


def diagram() -> str:
    """Draw the table as a mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> Idle"]
    lines += [f"    {a} --> {b}: {t}" for a, ways in TRANSITIONS.items() for t, b in ways.items()]
    lines += [f"    {a} --> Error: {Trigger.FAILED}" for a in ChannelState if a is not ChannelState.ERROR]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(diagram(), end="")  # noqa: T201
