"""What all lines of a worker share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from drivers.contract import Host
from drivers.taps.sip._native import Native
from drivers.taps.sip._options import Options


class Works(Protocol):
    """Given to every line; for the PJSIP thread alone."""

    @property
    def native(self) -> Native:
        """PJSIP's C functions."""
        ...

    @property
    def host(self) -> Host:
        """Where facts go, and where sessions come from."""
        ...

    @property
    def options(self) -> Options:
        """The trunk's options."""
        ...

    def look_out(self) -> bool:
        """See which streams have their first packet; gives whether one may come from one moment to the next."""
        ...

    def later(self, delay_s: float, act: Callable[[], None]) -> None:
        """Call ``act`` on the PJSIP thread in ``delay_s``."""
        ...
