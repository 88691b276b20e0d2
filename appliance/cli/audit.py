"""``linetap audit``: who did what, read in the box's database, whether the box runs or not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from appliance.cli.options import DEFAULT_CONFIG, AsJson, Config

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from appliance.store.audit import AuditEntry, AuditFilter

audit = typer.Typer(no_args_is_help=True, help="Show who did what to the box.")

_PATTERN = "; * stands for anything"
_COLUMNS = ("noted_at", "port", "peer", "who", "what", "change")


@audit.callback()
def _group() -> None:
    """Keep ``list`` a command of its own."""


@audit.command("list")
def list_entries(  # noqa: PLR0913, PLR0917 - typer passes them by name
    what: Annotated[str, typer.Option(help=f"Only that deed, such as EXPORT or 'IMPORTAGENT *'{_PATTERN}.")] = "",
    port: Annotated[str, typer.Option(help="Only that way in: commands, events, web or cli.")] = "",
    peer: Annotated[str, typer.Option(help=f"Only that address, or user of the command line{_PATTERN}.")] = "",
    who: Annotated[str, typer.Option(help=f"Only that token or certificate, such as 'token crm'{_PATTERN}.")] = "",
    since: Annotated[str, typer.Option(help="From that local date, or date and time, on.")] = "",
    until: Annotated[str, typer.Option(help="Before that local date, or date and time.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 100,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List changes, exports, mails and playbacks, newest first."""
    from appliance.store.audit import AuditFilter

    wanted = AuditFilter(
        what=what, port=port, peer=peer, who=who, since=_moment("--since", since), until=_moment("--until", until)
    )
    found = _entries(config, wanted, limit)
    if as_json:
        print(json.dumps([entry.model_dump(mode="json") for entry in found]))
        return
    rows = [_COLUMNS, *map(_cells, found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_COLUMNS))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _entries(config: Path, wanted: AuditFilter, limit: int) -> list[AuditEntry]:
    """Read them. Raises LinetapError where there is no database, and DatabaseError."""
    import asyncio

    from appliance.errors import LinetapError
    from appliance.settings.loader import load
    from appliance.store.audit import open_audit

    settings = load(config)
    if not settings.box.data_dir.is_dir():
        raise LinetapError(f"{settings.box.data_dir} is not there: no box has run yet")

    async def read() -> list[AuditEntry]:
        async with open_audit(settings.box.data_dir) as entries:
            return await entries.newest(limit, wanted)

    return asyncio.run(read())


def _moment(option: str, text: str) -> dt.datetime | None:
    from appliance.store.moments import span_of

    span = span_of(text) if text else None
    if text and span is None:
        raise typer.BadParameter("such as 2026-03-09 or '2026-03-09 13:04'", param_hint=option)
    return span[0] if span else None


def _cells(entry: AuditEntry) -> tuple[str, ...]:
    from appliance import clock

    at = clock.local(entry.noted_at).isoformat(" ", "seconds")
    facts = [json.dumps(side, ensure_ascii=False) for side in (entry.before, entry.after) if side is not None]
    return (at, entry.port, entry.peer, entry.who, entry.what, " -> ".join(facts))
