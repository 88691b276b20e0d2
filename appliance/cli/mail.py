"""``linetap mail``: the queue of mails, read and changed in the box's database, whether the box runs or not."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from appliance.cli.auditing import note
from appliance.cli.options import DEFAULT_CONFIG, AsJson, Config

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.settings.models import Settings
    from appliance.store.mail import Mails

_T = TypeVar("_T")

mail = typer.Typer(no_args_is_help=True, help="Show and change the queue of mails.")

MailIds = Annotated[list[int], typer.Argument(metavar="ID...", help="Numbers of mails, as list shows them.")]
_COLUMNS = ("mail_id", "state", "record_id", "media_format", "address", "attempts", "queued_at", "reply")


@mail.command("list")
def list_mails(
    state: Annotated[str, typer.Option(help="Only those: queued, sending, sent or failed.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 1000,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List the mails, newest first."""
    from appliance.store.mail import MailState

    if state and state not in list(MailState):
        raise typer.BadParameter(f"one of {', '.join(MailState)}", param_hint="--state")
    states = (MailState(state),) if state else tuple(MailState)
    found = _with_mails(config, lambda mails, _: mails.all(states, limit))
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in found]))
        return
    rows = [_COLUMNS, *([str(_shown(getattr(one, name))) for name in _COLUMNS] for one in found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_COLUMNS))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@mail.command()
def show(
    mail_id: Annotated[int, typer.Argument(metavar="ID", help="Number of the mail.")],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show one mail, with the server's words.

    Exit code 1 if there is no such one.
    """
    from appliance.errors import LinetapError

    found = _with_mails(config, lambda mails, _: mails.by_id(mail_id))
    if found is None:
        raise LinetapError(f"there is no mail {mail_id}")
    if as_json:
        print(found.model_dump_json())
        return
    for name, value in found:
        print(f"{name:14} {_shown(value)}".rstrip())


@mail.command()
def retry(mail_ids: MailIds, config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Send queued or failed mails as soon as the box can.

    Exit code 1 if one is neither.
    """
    import datetime as dt

    from appliance import clock

    async def anew(mails: Mails, settings: Settings) -> list[int]:
        now = clock.now()
        give_up_at = now + dt.timedelta(hours=settings.mail.give_up_h)
        return [mail_id for mail_id in mail_ids if await mails.retry(mail_id, now, give_up_at)]

    done = _with_mails(config, anew)
    if done:
        note(config, "mail retry", after={"mail_ids": done})
    _tell("queued", mail_ids, done, as_json=as_json)


@mail.command()
def drop(mail_ids: MailIds, config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Forget mails; one that is being sent may still arrive.

    Exit code 1 if there is no such one.
    """

    async def forgotten(mails: Mails, _: Settings) -> list[int]:
        return [mail_id for mail_id in mail_ids if await mails.drop(mail_id)]

    done = _with_mails(config, forgotten)
    if done:
        note(config, "mail drop", after={"mail_ids": done})
    _tell("dropped", mail_ids, done, as_json=as_json)


def _with_mails(config: Path, ask: Callable[[Mails, Settings], Awaitable[_T]]) -> _T:
    """Ask the box's queue. Raises LinetapError where there is no database, and DatabaseError."""
    import asyncio

    from appliance.errors import LinetapError
    from appliance.settings.loader import load
    from appliance.store.store import open_mails

    settings = load(config)
    if not settings.box.data_dir.is_dir():
        raise LinetapError(f"{settings.box.data_dir} is not there: no box has run yet")

    async def asked() -> _T:
        async with open_mails(settings.box.data_dir) as mails:
            return await ask(mails, settings)

    return asyncio.run(asked())


def _tell(what: str, asked: list[int], done: list[int], *, as_json: bool) -> None:
    left = [mail_id for mail_id in asked if mail_id not in done]
    if as_json:
        print(json.dumps({what: done, "left": left}))
    else:
        for mail_id in asked:
            print(f"mail {mail_id}: {what if mail_id in done else 'left as it is'}")
    raise typer.Exit(1 if left else 0)


def _shown(value: Any) -> Any:
    """Moments in the box's local time, nothing as a blank."""
    import datetime as dt

    from appliance import clock

    if isinstance(value, dt.datetime):
        return clock.local(value).isoformat(" ", "seconds")
    return "" if value is None else value
