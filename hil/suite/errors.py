"""What can go wrong on a bench."""

from __future__ import annotations


class BenchError(Exception):
    """A card or an output of the bench cannot be used; what it was to measure is not measured, and fails."""
