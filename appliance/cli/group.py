"""``linetap group``: permission groups, the phones in them and the users who may see those."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.asking import Asking, asks

group = typer.Typer(no_args_is_help=True, help="Show and change permission groups.")

GroupId = Annotated[int, typer.Argument(metavar="ID", help="Number of the group, as list shows it.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the group.")]
Phone = Annotated[str, typer.Option(help="Phone of an agent; needs --agent.")]
Agent = Annotated[int, typer.Option(help="Number of the agent who has the phone.")]
User = Annotated[str, typer.Option(help="Name of a user.")]


@group.command("list")
@asks
def list_groups(box: Asking) -> None:
    """List the groups with their phones and users."""
    columns = ("GROUPID", "GROUPNAME", "PHONES", "USERS")
    box.show("IMPORTGROUP", "GROUPS/GROUP", columns, ACTION="LIST")


@group.command()
@asks
def add(box: Asking, name: Name) -> None:
    """Add a group; one of that name stays as it is."""
    box.change("ADDGROUP", GROUPNAME=name)


@group.command()
@asks
def edit(box: Asking, group_id: GroupId, name: Name) -> None:
    """Give a group another name."""
    box.change("IMPORTGROUP", ACTION="MODIFY", GROUPID=group_id, GROUPNAME=name)


@group.command()
@asks
def remove(box: Asking, group_id: GroupId) -> None:
    """Delete a group; phones, agents and users stay."""
    box.change("IMPORTGROUP", ACTION="DELETE", GROUPID=group_id)


@group.command()
@asks
def assign(box: Asking, group_id: GroupId, phone: Phone = "", agent: Agent = 0, user: User = "") -> None:
    """Put a phone into a group, or let a user see its calls."""
    _permit(box, "ADD", group_id, phone, agent, user)


@group.command()
@asks
def release(box: Asking, group_id: GroupId, phone: Phone = "", agent: Agent = 0, user: User = "") -> None:
    """Take a phone out of a group, or no longer let a user see its calls."""
    _permit(box, "DELETE", group_id, phone, agent, user)


def _permit(box: Asking, action: str, group_id: int, phone: str, agent: int, user: str) -> None:
    if bool(user) == bool(phone or agent):
        raise typer.BadParameter("give --phone with --agent, or --user", param_hint="--phone")
    if user:
        box.change("MODIFYUSERGROUPPERMISSION", ACTION=action, GROUPID=group_id, USERNAME=user)
    else:
        box.change("MODIFYGROUPPERMISSION", ACTION=action, GROUPID=group_id, AGENTID=agent, PHONEID=phone)
