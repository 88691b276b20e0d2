"""Tell the box who is there, by the messages that an integrator would send."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.simulate.day import Agent, Day, User


def registrations(day: Day) -> Iterator[dict[str, str | int]]:
    """Give the messages that make groups, terms, agents with their phones and stations, and users."""
    for group in day.groups:
        yield {"TYPE": "ADDGROUP", "GROUPNAME": group}
    for name, value in day.terms.items():
        yield {"TYPE": "IMPORTTERMINOLOGY", "ACTION": "MODIFY", "NAME": name, "VALUE": value}
    for agent in day.agents:
        yield from _agent(agent)
    for user in day.users:
        yield from _user(user)


def _agent(agent: Agent) -> Iterator[dict[str, str | int]]:
    name = {"FIRSTNAME": agent.first, "LASTNAME": agent.last}
    known = {
        "SYSUSERNAME": agent.sys_user,
        "CRMUSERNAME": agent.crm_user,
        "EMPLOYEEID": agent.employee,
        "EMAIL": agent.email,
    }
    yield {"TYPE": "IMPORTAGENT", "ACTION": "ADD", **name, **{key: value for key, value in known.items() if value}}
    yield {"TYPE": "IMPORTAGENTPHONE", "ACTION": "ADD", **name, "PHONEID": agent.phone}
    if agent.station:
        yield {"TYPE": "IMPORTSTATION", "DEVICEID": agent.device, "STATIONNAME": agent.station}
    for group in agent.groups:
        permission = {"TYPE": "MODIFYGROUPPERMISSION", "ACTION": "ADD", "GROUPNAME": group}
        yield {**permission, **name, "PHONEID": agent.phone}


def _user(user: User) -> Iterator[dict[str, str | int]]:
    names = {"FIRSTNAME": user.first, "LASTNAME": user.last}
    yield {"TYPE": "IMPORTUSER", "ACTION": "ADD", "USERNAME": user.username, **names}
    for group in user.groups:
        yield {
            "TYPE": "MODIFYUSERGROUPPERMISSION",
            "ACTION": "ADD",
            "GROUPNAME": group,
            "USERNAME": user.username,
        }
