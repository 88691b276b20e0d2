"""Find the message types: every module of :mod:`appliance.messages.types` is one."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import TypeGuard

import appliance.messages.types
from appliance.messages.request import Request


class CatalogError(Exception):
    """A module among the message types does not declare exactly one."""


@functools.cache
def catalog() -> dict[str, type[Request]]:
    """Every message type by its TYPE and synonyms, in alphabetical order of TYPE. Read once."""
    types = [_load(name) for name in sorted(names())]
    found = {kind.wire_name(): kind for kind in types}
    for kind in types:
        for synonym in kind.synonyms:
            if found.setdefault(synonym, kind) is not kind:
                raise CatalogError(f"{synonym} names two message types")
    return found


def names() -> list[str]:
    """Names of the modules that are message types."""
    return [m.name for m in pkgutil.iter_modules(appliance.messages.types.__path__) if not m.name.startswith("_")]


def _load(name: str) -> type[Request]:
    module = importlib.import_module(f"{appliance.messages.types.__name__}.{name}")
    found: list[type[Request]] = [kind for kind in vars(module).values() if _declared_in(module, kind)]
    if len(found) != 1:
        raise CatalogError(f"{module.__name__} declares {len(found)} message types instead of one")
    return found[0]


def _declared_in(module: ModuleType, kind: object) -> TypeGuard[type[Request]]:
    return (
        inspect.isclass(kind)
        and issubclass(kind, Request)
        and kind.__module__ == module.__name__
        and not inspect.isabstract(kind)
    )
