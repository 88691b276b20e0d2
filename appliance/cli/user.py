"""``linetap user``: the users who may see the calls of groups."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.asking import Asking, asks

user = typer.Typer(no_args_is_help=True, help="Show and change the users who may see the calls of groups.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name to log in with.")]
First = Annotated[str | None, typer.Option(help="First name.")]
Last = Annotated[str | None, typer.Option(help="Last name.")]
Email = Annotated[str | None, typer.Option(help="Mail address.")]
AgentId = Annotated[int | None, typer.Option("--agent", help="Number of the agent that the user is; -1 for none.")]
Status = Annotated[str | None, typer.Option(help="A active, I inactive.")]

_COLUMNS = ("USER_ID", "USERNAME", "FIRST_NAME", "LAST_NAME", "AGENT", "STATUS", "EMAIL", "PHONES")


@user.command("list")
@asks
def list_users(box: Asking) -> None:
    """List the users that are not deleted."""
    box.show("IMPORTUSER", "USERS/USER", _COLUMNS, ACTION="LIST")


@user.command()
@asks
def add(  # noqa: PLR0917 - typer passes them by name
    box: Asking,
    name: Name,
    first: First = None,
    last: Last = None,
    email: Email = None,
    agent_id: AgentId = None,
    status: Status = None,
) -> None:
    """Add a user.

    Exit code 1 if one of that name is there.
    """
    box.change(
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
@asks
def edit(  # noqa: PLR0917 - typer passes them by name
    box: Asking,
    name: Name,
    first: First = None,
    last: Last = None,
    email: Email = None,
    agent_id: AgentId = None,
    status: Status = None,
) -> None:
    """Change what is given of a user; an empty text clears."""
    box.change(
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
@asks
def remove(box: Asking, name: Name) -> None:
    """Delete a user, who no longer sees any group."""
    box.change("IMPORTUSER", ACTION="DELETE", USERNAME=name)
