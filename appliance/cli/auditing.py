"""Rows of the audit for what the command line changes itself, beside the box."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def note(config: Path, what: str, *, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None) -> None:
    """Leave a row in the audit of the box of these settings. Raises DatabaseError."""
    import asyncio
    import getpass

    from appliance.settings.loader import load
    from appliance.store.audit import open_audit

    async def noted() -> None:
        async with open_audit(load(config).box.data_dir) as audit:
            audit.note(what, port="cli", peer=getpass.getuser(), before=before, after=after)

    asyncio.run(noted())
