"""Find a kind of tap by its name: ``kind = "sip"`` is :class:`drivers.taps.sip.Tap`."""

from __future__ import annotations

import importlib
import pkgutil

import drivers.taps
from drivers.contract import Tap, TapOptionsError


def kinds() -> list[str]:
    """Names of all kinds that ship, in alphabetical order."""
    return sorted(m.name for m in pkgutil.iter_modules(drivers.taps.__path__) if not m.name.startswith("_"))


def load(kind: str) -> type[Tap]:
    """Load the kind's class. Raises :class:`TapOptionsError` for an unknown kind or an absent library."""
    if kind not in kinds():
        raise TapOptionsError(f"unknown kind of tap {kind!r}; there are {', '.join(kinds())}")
    module = importlib.import_module(f"drivers.taps.{kind}")
    found = getattr(module, "Tap", None)
    if not (isinstance(found, type) and issubclass(found, Tap)):
        raise TapOptionsError(f"drivers.taps.{kind} has no class Tap")
    return found
