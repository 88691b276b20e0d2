"""``linetap agent``: agents and their phones."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.asking import Asking, asks, letter

agent = typer.Typer(no_args_is_help=True, help="Show and change agents and their phones.")

AgentId = Annotated[int, typer.Argument(metavar="ID", help="Number of the agent, as list shows it.")]
First = Annotated[str, typer.Argument(metavar="FIRST", help="First name.")]
Last = Annotated[str, typer.Argument(metavar="LAST", help="Last name.")]
Phone = Annotated[str, typer.Argument(metavar="PHONE", help="DEVICEALIAS or DEVICEID whose calls are the agent's.")]
User = Annotated[str | None, typer.Option(help="Network user.")]
Domain = Annotated[str | None, typer.Option(help="Network domain of that user.")]
Email = Annotated[str | None, typer.Option(help="Mail address.")]
Employee = Annotated[str | None, typer.Option(help="Number in your books.")]
CrmUser = Annotated[str | None, typer.Option(help="CRM user.")]
Status = Annotated[str | None, typer.Option(help="A active, I inactive.")]
Duplicate = Annotated[bool, typer.Option("--allow-duplicate", help="Even if another agent has the name.")]

_COLUMNS = ("AGENT_ID", "FIRST_NAME", "LAST_NAME", "STATUS", "SYS_USER", "CRM_USER", "EMPLOYEE_ID", "EMAIL", "PHONES")


@agent.command("list")
@asks
def list_agents(box: Asking) -> None:
    """List the agents that are not deleted."""
    box.show("IMPORTAGENT", "AGENTS/AGENT", _COLUMNS, ACTION="LIST")


@agent.command()
@asks
def add(  # noqa: PLR0913, PLR0917 - typer passes them by name
    box: Asking,
    first: First,
    last: Last,
    user: User = None,
    domain: Domain = None,
    email: Email = None,
    employee: Employee = None,
    crm_user: CrmUser = None,
    status: Status = None,
    allow_duplicate: Duplicate = False,
) -> None:
    """Add an agent.

    Exit code 1 if one of that name is there.
    """
    box.change(
        "IMPORTAGENT",
        ACTION="ADD",
        FIRSTNAME=first,
        LASTNAME=last,
        SYSUSERNAME=user,
        DOMAIN=domain,
        EMAIL=email,
        EMPLOYEEID=employee,
        CRMUSERNAME=crm_user,
        STATUS=status,
        ALLOWDUPLICATE=letter(value=allow_duplicate),
    )


@agent.command()
@asks
def edit(  # noqa: PLR0913, PLR0917 - typer passes them by name
    box: Asking,
    agent_id: AgentId,
    first: Annotated[str | None, typer.Option(help="First name.")] = None,
    last: Annotated[str | None, typer.Option(help="Last name.")] = None,
    user: User = None,
    domain: Domain = None,
    email: Email = None,
    employee: Employee = None,
    crm_user: CrmUser = None,
    status: Status = None,
    allow_duplicate: Duplicate = False,
) -> None:
    """Change what is given of an agent; an empty text clears."""
    box.change(
        "IMPORTAGENT",
        ACTION="MODIFY",
        AGENTID=agent_id,
        FIRSTNAME=first,
        LASTNAME=last,
        SYSUSERNAME=user,
        DOMAIN=domain,
        EMAIL=email,
        EMPLOYEEID=employee,
        CRMUSERNAME=crm_user,
        STATUS=status,
        ALLOWDUPLICATE=letter(value=allow_duplicate),
    )


@agent.command()
@asks
def remove(box: Asking, agent_id: AgentId) -> None:
    """Delete an agent: the phones are freed, old recordings keep the number."""
    box.change("IMPORTAGENT", ACTION="DELETE", AGENTID=agent_id)


@agent.command()
@asks
def assign(box: Asking, agent_id: AgentId, phone: Phone) -> None:
    """Give a phone to an agent."""
    box.change("IMPORTAGENTPHONE", ACTION="ADD", AGENTID=agent_id, PHONEID=phone)


@agent.command()
@asks
def release(box: Asking, agent_id: AgentId, phone: Phone) -> None:
    """Take a phone from an agent."""
    box.change("IMPORTAGENTPHONE", ACTION="DELETE", AGENTID=agent_id, PHONEID=phone)
