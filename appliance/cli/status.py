"""``linetap status``: what a running box says of itself over port 5620."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appliance.cli.access import tls
from appliance.cli.options import DEFAULT_CONFIG, AsJson, Config, Host, Timeout

if TYPE_CHECKING:
    from appliance.client import Answer, Client

_HERE = ("127.0.0.1", "::1", "localhost")
_SYSTEM = (
    ("RECORDINGPATH", "recordings"),
    ("RECORDINGSPACEINFO", "disk"),
    ("RECORDINGTOTALDISKFREEPCT", "disk free, %"),
    ("SYSTEMUPTIME", "up"),
    ("SYSTEMRAMFREE", "memory free, MB"),
)
_CHANNEL_COLUMNS = ("ID", "STATE", "RECORDINGDEVICE", "RECORDINGDEVICEALIAS", "LASTSTATECHANGE")
_DEVICE_COLUMNS = ("DEVICEID", "DEVICEALIAS", "ANI", "DNIS", "STARTTIME", "STOPTIME", "ISRECORDING", "FILENAME")


def status(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the XML API.")] = 5620,
    timeout_s: Timeout = 10,
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Show what a running box does.

    With its taps and their last faults, the levels of its lines and its accounts where it runs here with these
    settings. Exit code 69 if none answers.
    """
    from appliance.cli import accounts, taps
    from appliance.cli.lines import COLUMNS, lines_here
    from appliance.client import Client

    with Client(host, port, timeout_s=timeout_s, context=tls()) as client:
        facts = _ask(client)
    facts["taps"] = taps.taps_here(config) if host in _HERE else []
    facts["lines"] = lines_here(config) if host in _HERE else []
    facts["accounts"] = accounts.accounts_here(config) if host in _HERE else []
    if as_json:
        print(json.dumps(facts))
        return
    for name, title in _SYSTEM:
        print(f"{title:16} {facts['system'].get(name, '')}")
    _table("channels", facts["channels"], _CHANNEL_COLUMNS)
    _table("devices", facts["devices"], _DEVICE_COLUMNS)
    if facts["taps"]:
        _table("taps", facts["taps"], taps.COLUMNS)
    if facts["lines"]:
        _table("lines", facts["lines"], COLUMNS)
    if facts["accounts"]:
        _table("accounts", facts["accounts"], accounts.COLUMNS)


def _ask(client: Client) -> dict[str, Any]:
    """Ask the three status messages; names are those of the wire."""
    system, channels, devices = (_answer(client, kind) for kind in ("SYSTEMSTATUS", "CHANNELS", "DEVICELIST"))
    return {
        "system": system.rows(".")[0],
        "channels": channels.rows("CHANNELS/CHANNEL"),
        "devices": devices.rows("DEVICES/DEVICE"),
    }


def _answer(client: Client, kind: str) -> Answer:
    from appliance.errors import LinetapError, UnreachableError

    try:
        answer = client.request({"TYPE": kind})
    except TimeoutError as error:
        raise UnreachableError(str(error)) from error
    if answer.code != 20:
        raise LinetapError(f"{kind}: {answer.label} ({answer.code}): {answer.message}")
    return answer


def _table(title: str, rows: Sequence[dict[str, str]], columns: Sequence[str]) -> None:
    print(f"\n{len(rows)} {title}")
    if not rows:
        return
    widths = [max(len(name), *(len(row.get(name, "")) for row in rows)) for name in columns]
    for cells in (columns, *([row.get(name, "") for name in columns] for row in rows)):
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
