"""What a backend gives: a card's open stream.

Errors (each names the situation in which a backend raises it)::

    StreamError
    ├── CardAbsentError      the card cannot be opened: it is not there
    │   └── CardBusyError    it is there, and another program has it
    ├── CardRefusesError     it is there, and does not give the channels or the rate that are set
    └── StreamLostError      an open stream failed: the card was pulled, its server went away
"""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Sequence
from typing import Protocol, final

from drivers.taps.soundcard._portion import Pcm


class StreamError(Exception):
    """A stream cannot be opened or read."""


class CardAbsentError(StreamError):
    """The card cannot be opened now; later perhaps."""


@final
class CardBusyError(CardAbsentError):
    """Another program has the card."""


class CardRefusesError(StreamError):
    """The card does not give what is set."""


class StreamLostError(StreamError):
    """The open stream failed."""


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """Frames in order, in parts of shape (frames, channels), which were all that was there at the moment ``read_s``.

    ``overrun``: the card had no room for what came before the first of them. Such a block may be without frames, when
    those behind the overrun are still to come.
    """

    parts: Sequence[Pcm]
    read_s: float
    overrun: bool = False

    @property
    def frames(self) -> int:
        """Of all parts."""
        return sum(map(len, self.parts))


class Stream(Protocol):
    """A card's capture stream. Read and closed by one thread."""

    def descriptors(self) -> Sequence[tuple[int, int]]:
        """Descriptors and the events of :func:`select.poll` to wait for; a backend without any sets its Wake."""
        ...

    def read(self) -> Block | None:
        """Give all that is there, without waiting; None for nothing. Raises StreamLostError."""
        ...

    def close(self) -> None:
        """Let the card go."""
        ...


@final
class Wake:
    """Ends the wait of the thread that polls :attr:`descriptor`. :meth:`set` may be called from any thread."""

    def __init__(self) -> None:
        self._theirs, self._ours = socket.socketpair()
        for end in (self._theirs, self._ours):
            end.setblocking(False)

    @property
    def descriptor(self) -> int:
        """Readable once :meth:`set` was called."""
        return self._ours.fileno()

    def set(self) -> None:
        """Wake the thread."""
        try:
            self._theirs.send(b"\0")
        except BlockingIOError:  # it was woken often enough
            return

    def clear(self) -> None:
        """Be ready for the next time."""
        try:
            self._ours.recv(4096)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Give the descriptors back."""
        self._theirs.close()
        self._ours.close()
