"""Errors of a tap cross the process border as the name of their class and their text."""

from __future__ import annotations

from drivers import contract
from drivers.contract import TapError


def error_named(name: str, text: str) -> TapError:
    """Make the error of :mod:`drivers.contract` again; a name that is not there becomes a plain TapError."""
    found = getattr(contract, name, None)
    if isinstance(found, type) and issubclass(found, TapError):
        return found(text)
    return TapError(f"{name}: {text}")
