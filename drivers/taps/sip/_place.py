"""Where a worker listens."""

from __future__ import annotations

import dataclasses
from typing import Final, Self, final

from drivers.contract import WorkerPlan
from drivers.taps.sip._options import Options

BEHIND: Final = "behind the front"
FRONT: Final = "front"
RELAY: Final = "rtpengine"
LOCAL: Final = "127.0.0.1"
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - for comparisons


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A worker's address for SIP; behind a front on the loopback, with a door that only the front knows.

    ``door`` is 0 where there is no front; ``senders`` are the front's addresses, of which any may send to the door.
    """

    host: str
    port: int
    door: int = 0
    senders: frozenset[tuple[str, int]] = frozenset()
    outside: str | None = None  # the front's address; None where it has several or there is no front

    @classmethod
    def of(cls, options: Options, plan: WorkerPlan) -> Self:
        """Place of the worker of that plan."""
        if plan.role == BEHIND:
            port = options.worker_port(plan.index)
            outside = LOCAL if options.host == _EVERYWHERE else options.host
            senders = frozenset({(LOCAL, options.inside_port), (outside, options.port)})
            own = None if options.host == _EVERYWHERE else options.host
            return cls(LOCAL, port, port + 1, senders, own)
        return cls(options.host, options.sip_port(plan.index))

    @property
    def near(self) -> str:
        """Address that reaches it from this machine."""
        return LOCAL if self.everywhere else self.host

    @property
    def everywhere(self) -> bool:
        """Whether it listens on every address of the machine."""
        return self.host == _EVERYWHERE
