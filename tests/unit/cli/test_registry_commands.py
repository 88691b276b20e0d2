"""The commands about agents, stations, groups, users and terms, against a listener with services in memory."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator

import pytest

from appliance.cli import main
from appliance.messages.samples import sample_services
from tests.unit.serving import WAIT_S, xml_serving

Linetap = Callable[..., tuple[object, str, str]]


@pytest.fixture
def port() -> Iterator[int]:
    """Serve from a thread of its own, since commands block."""
    ports: list[int] = []
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with xml_serving(services=sample_services()) as serving:
            ports.append(serving.server.port)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(WAIT_S)
    yield ports[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(WAIT_S)
    loop.close()


@pytest.fixture
def linetap(capfd: pytest.CaptureFixture[str], port: int) -> Linetap:
    def call(*arguments: object) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as left:
            main([*map(str, arguments), "--port", str(port)])
        out, err = capfd.readouterr()
        return left.value.code, out, err

    return call


def rows(linetap: Linetap, noun: str) -> list[dict[str, str]]:
    code, out, _ = linetap(noun, "list", "--json")
    assert code == 0
    found: list[dict[str, str]] = json.loads(out)
    return found


def test_an_agent_from_begin_to_end(linetap: Linetap) -> None:
    code, out, _ = linetap("agent", "add", "Tom", "Baker", "--user", "tbaker", "--email", "t@example.com", "--json")
    assert (code, json.loads(out)) == (0, {"AGENTID": "8"})
    assert linetap("agent", "assign", "8", "5580")[0] == 0
    assert linetap("agent", "assign", "8", "DESK8")[0] == 0
    assert linetap("agent", "release", "8", "5580")[0] == 0
    assert linetap("agent", "edit", "8", "--email", "", "--last", "Beck", "--status", "I")[1] == "AGENTID          8\n"
    agent = rows(linetap, "agent")[1]
    assert (agent["FIRST_NAME"], agent["LAST_NAME"], agent["EMAIL"], agent["SYS_USER"]) == ("Tom", "Beck", "", "tbaker")
    assert (agent["STATUS"], agent["PHONES"]) == ("I", "DESK8")
    assert linetap("agent", "remove", "8")[0] == 0
    assert [row["AGENT_ID"] for row in rows(linetap, "agent")] == ["7"]


def test_a_table_is_printed_for_people(linetap: Linetap) -> None:
    code, out, _ = linetap("agent", "list")
    assert code == 0
    head, line = out.splitlines()
    assert head.split() == [
        *("AGENT_ID", "FIRST_NAME", "LAST_NAME", "STATUS", "SYS_USER", "CRM_USER", "EMPLOYEE_ID", "EMAIL", "PHONES")
    ]
    assert line.split() == ["7", "Mara", "Reed", "A", "mreed", "mara", "2210", "mreed@example.com", "5551,DESK5"]


def test_a_refusal_is_1_with_the_boxs_words(linetap: Linetap) -> None:
    assert linetap("agent", "add", "Mara", "Reed") == (
        *(1, ""),
        "API_ERROR_KEYS_NOT_UNIQUE (22): API_ERROR_KEYS_NOT_UNIQUE\n",
    )
    assert linetap("agent", "add", "Mara", "Reed", "--allow-duplicate")[0] == 0
    assert linetap("terms", "edit", "none", "x")[2].endswith("there is no term of that NAME\n")


def test_stations_are_added_edited_and_removed(linetap: Linetap) -> None:
    assert linetap("station", "add", "BACKOFFICE", "5561")[0] == 0
    assert linetap("station", "edit", "frontdesk", "5562")[0] == 0
    assert linetap("station", "edit", "NONE", "5563")[::2] == (1, "there is no station NONE\n")
    assert rows(linetap, "station") == [
        {"STATIONNAME": "BACKOFFICE", "DEVICEID": "5561"},
        {"STATIONNAME": "frontdesk", "DEVICEID": "5562"},
    ]
    assert linetap("station", "remove", "BackOffice")[0] == 0
    assert len(rows(linetap, "station")) == 1


def test_groups_with_phones_and_users(linetap: Linetap) -> None:
    code, out, _ = linetap("group", "add", "Sales & Service", "--json")
    assert (code, json.loads(out)) == (0, {"GROUPID": "4", "GROUPNAME": "Sales & Service"})
    assert linetap("group", "edit", "4", "Sales")[0] == 0
    assert linetap("group", "assign", "4", "--phone", "DESK5", "--agent", "7")[0] == 0
    assert linetap("group", "assign", "4", "--user", "reviewer")[0] == 0
    assert rows(linetap, "group")[1] == {
        "GROUPID": "4",
        "GROUPNAME": "Sales",
        "PHONES": "DESK5",
        "USERS": "reviewer",
    }
    assert linetap("group", "release", "4", "--phone", "DESK5", "--agent", "7")[0] == 0
    assert linetap("group", "release", "4", "--user", "reviewer")[0] == 0
    assert (rows(linetap, "group")[1]["PHONES"], rows(linetap, "group")[1]["USERS"]) == ("", "")
    assert linetap("group", "remove", "4")[0] == 0
    assert len(rows(linetap, "group")) == 1


@pytest.mark.parametrize(
    "arguments",
    [("group", "assign", "3"), ("group", "assign", "3", "--user", "a", "--phone", "b"), ("agent", "remove", "x")],
)
def test_wrong_usage_is_2(linetap: Linetap, arguments: tuple[str, ...]) -> None:
    assert linetap(*arguments)[0] == 2


def test_users_are_added_edited_and_removed(linetap: Linetap) -> None:
    assert linetap("user", "add", "auditor", "--first", "Ole", "--agent", "7")[0] == 0
    assert linetap("user", "edit", "AUDITOR", "--last", "Berg", "--status", "I")[0] == 0
    user = rows(linetap, "user")[1]
    assert (user["FIRST_NAME"], user["LAST_NAME"], user["AGENT"], user["STATUS"]) == ("Ole", "Berg", "Y", "I")
    assert linetap("user", "remove", "auditor")[0] == 0
    assert [row["USERNAME"] for row in rows(linetap, "user")] == ["reviewer"]


def test_terms_are_added_edited_and_removed(linetap: Linetap) -> None:
    assert linetap("terms", "add", "user3", "Order")[0] == 0
    assert linetap("terms", "edit", "user1", "Policy")[0] == 0
    found = {row["NAME"]: row["VALUE"] for row in rows(linetap, "terms")}
    assert (len(found), found["user3"], found["user1"]) == (11, "Order", "Policy")
    assert linetap("terms", "remove", "user3")[0] == 0
    assert linetap("terms", "remove", "user3")[0] == 1


@pytest.mark.parametrize("noun", ["agent", "station", "group", "user", "terms"])
def test_no_box_is_69(noun: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([noun, "list", "--port", "1"])
    assert left.value.code == 69
    assert "no box answers at 127.0.0.1:1" in capfd.readouterr().err
