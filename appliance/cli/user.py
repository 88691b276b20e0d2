"""``linetap user``: the users who may see the calls of groups."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.asking import ApiPort, Asking
from appliance.cli.options import AsJson, Host, Timeout

user = typer.Typer(no_args_is_help=True, help="Show and change the users who may see the calls of groups.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name to log in with.")]
First = Annotated[str | None, typer.Option(help="First name.")]
Last = Annotated[str | None, typer.Option(help="Last name.")]
Email = Annotated[str | None, typer.Option(help="Mail address.")]
AgentId = Annotated[int | None, typer.Option("--agent", help="Number of the agent that the user is; -1 for none.")]
Status = Annotated[str | None, typer.Option(help="A active, I inactive.")]

_COLUMNS = ("USER_ID", "USERNAME", "FIRST_NAME", "LAST_NAME", "AGENT", "STATUS", "EMAIL", "PHONES")


@user.command("list")
def list_users(
    host: Host = "127.0.0.1", port: ApiPort = 5620, timeout_s: Timeout = 10, as_json: AsJson = False
) -> None:
    """List the users that are not deleted."""
    Asking(host, port, timeout_s, as_json).show("IMPORTUSER", "USERS/USER", _COLUMNS, ACTION="LIST")


@user.command()
def add(  # noqa: PLR0913, PLR0917 - typer passes them by name
    name: Name,
    first: First = None,
    last: Last = None,
    email: Email = None,
    agent_id: AgentId = None,
    status: Status = None,
    host: Host = "127.0.0.1",
    port: ApiPort = 5620,
    timeout_s: Timeout = 10,
    as_json: AsJson = False,
) -> None:
    """Add a user.

    Exit code 1 if one of that name is there.
    """
    Asking(host, port, timeout_s, as_json).change(
        "IMPORTUSER",
        ACTION="ADD",
        USERNAME=name,
        FIRSTNAME=first,
        LASTNAME=last,
        EMAIL=email,
        AGENTID=agent_id,
        STATUS=status,
    )


@user.command()
def edit(  # noqa: PLR0913, PLR0917 - typer passes them by name
    name: Name,
    first: First = None,
    last: Last = None,
    email: Email = None,
    agent_id: AgentId = None,
    status: Status = None,
    host: Host = "127.0.0.1",
    port: ApiPort = 5620,
    timeout_s: Timeout = 10,
    as_json: AsJson = False,
) -> None:
    """Change what is given of a user; an empty text clears."""
    Asking(host, port, timeout_s, as_json).change(
        "IMPORTUSER",
        ACTION="MODIFY",
        USERNAME=name,
        FIRSTNAME=first,
        LASTNAME=last,
        EMAIL=email,
        AGENTID=agent_id,
        STATUS=status,
    )


@user.command()
def remove(
    name: Name, host: Host = "127.0.0.1", port: ApiPort = 5620, timeout_s: Timeout = 10, as_json: AsJson = False
) -> None:
    """Delete a user, who no longer sees any group."""
    Asking(host, port, timeout_s, as_json).change("IMPORTUSER", ACTION="DELETE", USERNAME=name)
