"""Days: what ships can be played, and what is written wrongly is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.messages.catalog import catalog
from appliance.settings.loader import parse
from appliance.simulate import SHIPPED, DayFileError, find_day, read_day
from appliance.simulate.plan import end_of, plan_day, scale
from hil.child_box import write_toml

NAMES = sorted(file.stem for file in SHIPPED.glob("*.toml"))
LEAST = 'title = "t"\nbegins = "09:00"\nends = "10:00"\n'
CALL = '[[calls]]\nat = "09:30"\ndevice = "5001"\nlasts_s = 60\n'
TRAFFIC = (
    '[[traffic]]\nbegin = "09:00"\nend = "10:00"\ncalls_an_hour = 600\ndevices = ["1", "2", "3"]\n'
    "lasts_s = [10, 100]\nunanswered_percent = 20\nupdate_percent = 50\nblackout_percent = 30\n"
    'fields = { ANI = "0##", DNIS = ["a", "b"] }\nupdates = { USER1 = "x" }\n'
)


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "day.toml"
    file.write_text(LEAST + text)
    return file


@pytest.mark.parametrize("name", NAMES)
def test_what_ships_says_only_what_the_box_understands(name: str) -> None:
    day = find_day(name)
    taps = [{"name": "simulated", "kind": "virtual", "lines": day.lines}]
    parse(write_toml({}, {"taps": taps, "schedules": day.schedules}), name)
    acts = plan_day(day, 1)
    assert len(acts) > 20
    known = catalog()
    for act in acts:
        kind = known[str(act.values["TYPE"])]
        names = {word for field, one in kind.parameters.items() for word in (one.name or field.upper(), *one.synonyms)}
        assert set(act.values) - {"TYPE"} <= names, act


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_day_in_the_order_of_time(name: str) -> None:
    day = find_day(name)
    acts = plan_day(day, 7)
    assert acts == plan_day(day, 7)
    assert [act.at_s for act in acts] == sorted(act.at_s for act in acts)
    assert all(day.begins <= act.at_s <= day.ends for act in acts)
    if day.traffic:
        assert acts != plan_day(day, 8)


def test_traffic_keeps_to_its_devices_one_call_at_a_time(tmp_path: Path) -> None:
    day = read_day(written(tmp_path, TRAFFIC))
    acts = plan_day(day, 3)
    open_ones: set[object] = set()
    for act in acts:
        device = act.values["DEVICEID"]
        if act.values["TYPE"] == "CALLSTART":
            assert device not in open_ones
            open_ones.add(device)
            assert str(act.values["ANI"])[1:].isdecimal()
            assert act.values["DNIS"] in {"a", "b"}
        elif act.values["TYPE"] == "CALLSTOP":
            open_ones.remove(device)
        else:
            assert device in open_ones
    kinds = [act.values["TYPE"] for act in acts]
    assert {"CALLUPDATE", "BLACKOUTSTART", "BLACKOUTSTOP"} <= set(kinds)
    assert any(act.says for act in acts)
    assert {act.values["DEVICEID"] for act in acts} == {"1", "2", "3"}


def test_a_call_goes_by_its_agents_phone_and_its_deeds_by_the_call(tmp_path: Path) -> None:
    agent = '[[agents]]\nfirst = "A"\nlast = "B"\ndevice = "5001"\nphone = "2001"\n'
    deeds = 'instance = "2"\ndoes = [{ after_s = 5, type = "CALLUPDATE", USER1 = "x" }]\n'
    acts = plan_day(read_day(written(tmp_path, agent + CALL + deeds)), 1)
    keys = {"DEVICEID": "5001", "CALLINSTANCE": "2"}
    assert [dict(act.values) for act in acts] == [
        {"TYPE": "CALLSTART", **keys, "DEVICEALIAS": "2001"},
        {"TYPE": "CALLUPDATE", **keys, "USER1": "x"},
        {"TYPE": "CALLSTOP", **keys},
    ]
    assert end_of(acts[0].values) == acts[2].values
    assert end_of(acts[1].values) is None


def test_seconds_are_shortened_and_never_to_nothing() -> None:
    values: dict[str, str | int] = {"MAXRECORDTIME": 600, "TIMEOFFSET": "-5", "ANI": "600", "MAXRECORDSILENCE": 0}
    assert scale(values, 60) == {"MAXRECORDTIME": 10, "TIMEOFFSET": -1, "ANI": "600", "MAXRECORDSILENCE": 0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('when = "now"\n', "when: Extra inputs are not permitted"),
        (CALL.replace("09:30", "11:30"), "5001: is not between begins and ends"),
        (CALL.replace("09:30", "half past nine"), "should be a time as in '09:30'"),
        (CALL.replace('device = "5001"\n', ""), "a call needs a device"),
        (CALL + 'kind = "chat"\n', "a chat needs a session"),
        (CALL + 'does = [{ after_s = 61, type = "BLACKOUTSTART" }]\n', "BLACKOUTSTART would come after the end"),
        (CALL + 'does = [{ after_s = 1, type = "CALLUPDATE", user1 = "x" }]\n', "user1: Extra inputs"),
        (CALL.replace("60", "0"), "greater than 0"),
        ('[[users]]\nusername = "u"\ngroups = ["Nobody"]\n', "no such group: Nobody"),
        (TRAFFIC.replace("[10, 100]", "[100, 10]"), "lasts_s: the first is the least"),
        (TRAFFIC.replace('["1", "2", "3"]', "[]"), "devices"),
        ("lines = 0\n", "lines"),
        ("[[calls]\n", "day.toml: "),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DayFileError, match=r"day\.toml") as raised:
        read_day(written(tmp_path, text))
    assert told in str(raised.value)


def test_the_day_in_the_documentation_can_be_played(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "simulate.md").read_text()
    file = tmp_path / "day.toml"
    file.write_text(page.partition("```toml\n")[2].partition("```")[0])
    assert len(plan_day(read_day(file), 1)) > 20


def test_a_name_that_is_none_tells_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(DayFileError, match="office"):
        find_day(str(tmp_path / "none.toml"))
