"""The fuzzer's own process: libFuzzer's loop never returns. Started by ``bench/fuzz.py``."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import atheris


def load_instrumented() -> None:
    """Import the box so that libFuzzer sees which of its lines are reached.

    Not its store: the instrumented ``==`` keeps what an overloaded operator gives, and so every expression of a query.
    """
    rooms = importlib.import_module("appliance.store").__path__
    store = [found.name for found in pkgutil.walk_packages(rooms, "appliance.store.")]
    with atheris.instrument_imports(include=["appliance"], exclude=store):
        importlib.import_module("hil.fuzzing.session")


def change(octets: bytes, longest: int) -> bytes:
    """Change an input in libFuzzer's way; atheris puts the function into its place only when Fuzz() is called."""
    changed: bytes = atheris.Mutate(octets, longest)
    return changed


def main() -> None:
    """Take the seconds and libFuzzer's own options from the command line, and fuzz."""
    load_instrumented()
    session = importlib.import_module("hil.fuzzing.session").Session(float(sys.argv[1]), change)
    atheris.Setup([sys.argv[0], *sys.argv[2:]], session.one, custom_mutator=session.mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
