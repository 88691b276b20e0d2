"""``linetap group``: permission groups, the phones in them and the users who may see those."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.asking import ApiPort, Asking
from appliance.cli.options import AsJson, Host, Timeout

group = typer.Typer(no_args_is_help=True, help="Show and change permission groups.")

GroupId = Annotated[int, typer.Argument(metavar="ID", help="Number of the group, as list shows it.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the group.")]
Phone = Annotated[str, typer.Option(help="Phone of an agent; needs --agent.")]
Agent = Annotated[int, typer.Option(help="Number of the agent who has the phone.")]
User = Annotated[str, typer.Option(help="Name of a user.")]


@group.command("list")
def list_groups(
    host: Host = "127.0.0.1", port: ApiPort = 5620, timeout_s: Timeout = 10, as_json: AsJson = False
) -> None:
    """List the groups with their phones and users."""
    columns = ("GROUPID", "GROUPNAME", "PHONES", "USERS")
    Asking(host, port, timeout_s, as_json).show("IMPORTGROUP", "GROUPS/GROUP", columns, ACTION="LIST")


@group.command()
def add(
    name: Name, host: Host = "127.0.0.1", port: ApiPort = 5620, timeout_s: Timeout = 10, as_json: AsJson = False
) -> None:
    """Add a group; one of that name stays as it is."""
    Asking(host, port, timeout_s, as_json).change("ADDGROUP", GROUPNAME=name)


@group.command()
def edit(
    group_id: GroupId,
    name: Name,
    host: Host = "127.0.0.1",
    port: ApiPort = 5620,
    timeout_s: Timeout = 10,
    as_json: AsJson = False,
) -> None:
    """Give a group another name."""
    Asking(host, port, timeout_s, as_json).change("IMPORTGROUP", ACTION="MODIFY", GROUPID=group_id, GROUPNAME=name)


@group.command()
def remove(
    group_id: GroupId,
    host: Host = "127.0.0.1",
    port: ApiPort = 5620,
    timeout_s: Timeout = 10,
    as_json: AsJson = False,
) -> None:
    """Delete a group; phones, agents and users stay."""
    Asking(host, port, timeout_s, as_json).change("IMPORTGROUP", ACTION="DELETE", GROUPID=group_id)


@group.command()
def assign(  # noqa: PLR0917 - typer passes them by name
    group_id: GroupId,
    phone: Phone = "",
    agent: Agent = 0,
    user: User = "",
    host: Host = "127.0.0.1",
    port: ApiPort = 5620,
    timeout_s: Timeout = 10,
    as_json: AsJson = False,
) -> None:
    """Put a phone into a group, or let a user see its calls."""
    _permit(Asking(host, port, timeout_s, as_json), "ADD", group_id, phone, agent, user)


@group.command()
def release(  # noqa: PLR0917 - typer passes them by name
    group_id: GroupId,
    phone: Phone = "",
    agent: Agent = 0,
    user: User = "",
    host: Host = "127.0.0.1",
    port: ApiPort = 5620,
    timeout_s: Timeout = 10,
    as_json: AsJson = False,
) -> None:
    """Take a phone out of a group, or no longer let a user see its calls."""
    _permit(Asking(host, port, timeout_s, as_json), "DELETE", group_id, phone, agent, user)


def _permit(box: Asking, action: str, group_id: int, phone: str, agent: int, user: str) -> None:
    if bool(user) == bool(phone or agent):
        raise typer.BadParameter("give --phone with --agent, or --user", param_hint="--phone")
    if user:
        box.change("MODIFYUSERGROUPPERMISSION", ACTION=action, GROUPID=group_id, USERNAME=user)
    else:
        box.change("MODIFYGROUPPERMISSION", ACTION=action, GROUPID=group_id, AGENTID=agent, PHONEID=phone)
