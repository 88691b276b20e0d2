"""``linetap token``: who may use the HTTP ports where they ask for a token; a running box takes a change up at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from appliance.cli.auditing import note
from appliance.cli.options import DEFAULT_CONFIG, AsJson, Config

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.ports.tokens import TokenFile

token = typer.Typer(no_args_is_help=True, help="Show and change the tokens of the HTTP ports.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the token: who uses it.")]


@token.command()
def add(
    name: Name,
    days: Annotated[int, typer.Option(min=0, max=36500, help="Days that it is good for; 0: for ever.")] = 0,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it: this once, since only its hash is kept.

    Exit code 1 if there is one of that name.
    """
    import datetime as dt

    from appliance import clock

    expires_at = clock.now() + dt.timedelta(days=days) if days else None
    text = _file(config).add(name, expires_at)
    told = {"name": name, "expires_at": expires_at.isoformat() if expires_at else None}
    note(config, "token add", after=told)
    print(json.dumps(told | {"token": text}) if as_json else text)


@token.command("list")
def list_tokens(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List the tokens by name, without what they are."""
    from appliance import clock

    found = _file(config).all()
    if as_json:
        print(json.dumps([one.model_dump(mode="json", exclude={"sha256"}) for one in found]))
        return
    rows = [("name", "created_at", "expires_at")]
    for one in found:
        moments = [clock.local(at).isoformat(" ", "seconds") if at else "" for at in (one.created_at, one.expires_at)]
        over = " (expired)" if one.expires_at and one.expires_at <= clock.now() else ""
        rows.append((one.name, moments[0], moments[1] + over))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@token.command()
def remove(name: Name, config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Forget a token; the next request with it is refused.

    Exit code 1 if there is none of that name.
    """
    from appliance.errors import LinetapError

    if not _file(config).remove(name):
        raise LinetapError(f"there is no token {name}")
    note(config, "token remove", before={"name": name})
    print(json.dumps({"removed": name}) if as_json else f"token {name} removed")


def _file(config: Path) -> TokenFile:
    from appliance.errors import LinetapError
    from appliance.ports.tokens import TokenFile
    from appliance.settings.loader import load

    settings = load(config)
    if not settings.tokens_path.parent.is_dir():
        raise LinetapError(f"{settings.tokens_path.parent} is not there: no box has run yet")
    return TokenFile(settings.tokens_path)
