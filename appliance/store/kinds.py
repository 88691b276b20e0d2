"""Kinds of column that SQL has no word for: moments and documents."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, final

import peewee


@final
class MomentField(peewee.TextField):
    """An aware moment, kept as UTC text of fixed width, so that text order is time order."""

    def db_value(self, value: dt.datetime | None) -> str | None:
        """Give the text; a naive moment is refused, since nobody could tell what it meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment needs its offset: {value}")
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def python_value(self, value: str | None) -> dt.datetime | None:
        """Give aware UTC."""
        return None if value is None else dt.datetime.fromisoformat(value)


@final
class DocumentField(peewee.TextField):
    """Lists and mappings that are read whole and never looked up, kept as JSON."""

    def db_value(self, value: Any) -> str:
        """Give the JSON text. Raises TypeError for what JSON has no form for."""
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def python_value(self, value: str) -> Any:
        """Give the lists and mappings."""
        return json.loads(value)
