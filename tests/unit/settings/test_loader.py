"""Reading the settings file: what it gives, and every fault with its line."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from appliance.errors import SettingsError
from appliance.settings.loader import build, load, parse
from appliance.settings.models import Settings
from drivers import registry

WAVFILE = '[[taps]]\nname = "w"\nkind = "wavfile"\n'
SIP = '[[taps]]\nname = "NAME"\nkind = "sip"\n'


def faults(document: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(document, "f")
    return caught.value.faults


def test_an_empty_file_gives_the_fixed_defaults() -> None:
    settings = parse("", "f")
    assert settings == Settings()
    assert settings.recording_path == Path("/var/lib/linetap/recordings")
    assert (settings.api.port, settings.events.port, settings.web.port) == (5620, 5621, 2012)
    assert (settings.recording.holdback_s, settings.recording.durable_every_s) == (10, 1)
    assert ipaddress.ip_network("127.0.0.0/8") in settings.api.allow


def test_a_file_is_read_and_relative_paths_count_from_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "linetap.toml"
    file.write_text('[box]\ndata_dir = "data"\n[[taps]]\nname = "v"\nkind = "virtual"\n[[schedules]]\nname = "all"\n')
    settings = load(file)
    assert settings.box.data_dir == tmp_path / "data"
    assert settings.recording_path == tmp_path / "data" / "recordings"
    assert [(tap.name, tap.kind) for tap in settings.taps] == [("v", "virtual")]
    assert [(s.name, s.percent, s.keep_days, s.priority) for s in settings.schedules] == [("all", 100, 30, 50)]


def test_options_of_a_tap_are_those_of_its_kind() -> None:
    settings = parse('[[taps]]\nname = "v"\nkind = "virtual"\nlines = 3\n', "f")
    assert settings.taps[0].lines == 3
    assert faults('[[taps]]\nname = "v"\nkind = "virtual"\nlins = 3\n') == [
        "f:4: taps[0].lins: unknown key; did you mean lines?"
    ]


def test_every_fault_is_told_at_once_by_line() -> None:
    document = """\
[box]
core_id = 0
[recording]
holdback = 5
[api]
port = 70000
allow = [
  "127.0.0.1",
  "10.0.0.1/8",
]
[web]
port = 5621
[[taps]]
name = "x"
kind = "virtul"
[[schedules]]
percent = 101
[[schedules]]
name = "b"
match = { grop = "Sales" }
[[schedules]]
name = "b"
time_from = "7"
[bogus]
"""
    kinds = ", ".join(registry.kinds())
    assert faults(document) == [
        "f:2: box.core_id: should be greater than or equal to 1 (got 0)",
        "f:4: recording.holdback: unknown key; did you mean holdback_s?",
        "f:6: api.port: should be less than or equal to 65535 (got 70000)",
        "f:9: api.allow[1]: 10.0.0.1/8 has host bits set",
        "f:12: web.port: 5621 is the port of [events] already",
        f"f:15: taps[0].kind: unknown kind of tap 'virtul'; there are {kinds}",
        "f:16: schedules[0].name: is required",
        "f:17: schedules[0].percent: should be less than or equal to 100 (got 101)",
        "f:20: schedules[1].match.grop: unknown call field; did you mean group?",
        "f:23: schedules[2].time_from: should match pattern '^([01]\\d|2[0-3]):[0-5]\\d$' (got '7')",
        "f:24: bogus: unknown key; there are box, recording, api, events, web, https, tls, mail, taps, schedules",
    ]


def test_a_line_that_is_no_toml_hides_no_other_fault() -> None:
    assert faults("[box]\ncore_id = 1 2\ndata_dir = 5\n[api]\nport = -1\n") == [
        "f:2: is no TOML: expected newline or end of document after a statement",
        "f:3: box.data_dir: should be a path in quotes (got 5)",
        "f:5: api.port: should be greater than or equal to 0 (got -1)",
    ]


def test_a_key_on_a_line_that_is_no_toml_is_not_called_missing() -> None:
    assert faults('[[schedules]]\nname = "all\n') == ["f:2: is no TOML: illegal character '\\n'"]


def test_a_broken_header_is_told() -> None:
    assert faults("[box\ncore_id = 1\n") == ["f:1: is no TOML: expected ']' at the end of a table declaration"]


def test_two_keys_of_one_name_are_told() -> None:
    assert faults("[box]\ncore_id = 1\ncore_id = 2\n") == ["f:3: is no TOML: cannot overwrite a value"]


@pytest.mark.parametrize("use", ["any", "playback", "device:5003", "agent:7"])
def test_a_line_can_be_kept_for(use: str) -> None:
    settings = parse(f'[[taps]]\nname = "v"\nkind = "virtual"\nassign = {{ "0" = "{use}" }}\n', "f")
    assert settings.taps[0].assign == {"0": use}


def test_a_line_cannot_be_kept_for_something_else() -> None:
    assert faults('[[taps]]\nname = "v"\nkind = "virtual"\n[taps.assign]\n"0" = "5003"\n') == [
        "f:5: taps[0].assign.0: should be any, playback, device:NAME or agent:NAME (got '5003')"
    ]


def test_names_of_taps_are_unique() -> None:
    tap = '[[taps]]\nname = "v"\nkind = "virtual"\n'
    assert faults(tap + tap) == ["f:5: taps[1].name: 'v' is the name of taps[0] already"]


def test_listeners_on_different_addresses_may_share_a_port_and_port_0_is_no_port() -> None:
    parse('[api]\nhost = "127.0.0.1"\nport = 4000\n[web]\nhost = "127.0.0.2"\nport = 4000\n', "f")
    parse("[api]\nport = 0\n[web]\nport = 0\n", "f")
    assert faults('[api]\nhost = "127.0.0.1"\nport = 4000\n[web]\nhost = "0.0.0.0"\nport = 4000\n') == [
        "f:6: web.port: 4000 is the port of [api] already"
    ]


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("taps = 3\n", "f:1: taps: should be an array of tables: [[taps]]"),
        ("taps = [3]\n", "f:1: taps[0]: should be a table"),
        ('[[taps]]\nname = "a"\n', f"f:1: taps[0].kind: is required: one of {', '.join(registry.kinds())}"),
        ("box = 3\n", "f:1: box: should be a table (got 3)"),
        ("[[schedules]]\nname = 5\n", "f:2: schedules[0].name: should be text in quotes (got 5)"),
        (f"{WAVFILE}files = 5\n", "f:4: taps[0].files: should be an array (got 5)"),
        (f"{WAVFILE}files = []\n", "f:4: taps[0].files: should have at least 1 item, not 0"),
        (f"{WAVFILE}files = [7]\n", "f:4: taps[0].files[0]: should be a path in quotes (got 7)"),
    ],
)
def test_wrong_shapes_are_told(document: str, fault: str) -> None:
    assert faults(document) == [fault]


def test_an_absent_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml:1: cannot be read: No such file"):
        load(tmp_path / "none.toml")


def test_a_file_that_is_no_utf8_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(b'[box]\ndata_dir = "\xff"\n')
    with pytest.raises(SettingsError, match=r"x\.toml:2: is not UTF-8"):
        load(file)


def test_settings_are_built_of_values_too() -> None:
    settings = build({"api": {"port": 0}, "taps": [{"name": "v", "kind": "virtual", "lines": 2}]})
    assert settings.api.port == 0
    assert settings.taps[0].lines == 2
    with pytest.raises(SettingsError, match=r"settings:1: api\.port: should be"):
        build({"api": {"port": -1}})


def test_relative_paths_in_options_of_a_tap_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "linetap.toml"
    file.write_text('[[taps]]\nname = "w"\nkind = "wavfile"\nfiles = ["a.wav", "/b.wav"]\n')
    assert load(file).taps[0].files == (tmp_path / "a.wav", Path("/b.wav"))
    accounts = '[{ user = "5000", domain = "pbx", password_file = "secret" }]'
    file.write_text(f"{SIP}accounts = {accounts}\n")
    assert load(file).taps[0].accounts[0].password_file == tmp_path / "secret"


def test_two_taps_do_not_hold_the_same_thing() -> None:
    one, other = (SIP.replace("NAME", name) for name in ("a", "b"))
    assert faults(one + other) == ["f:4: taps[1].port: 127.0.0.1:5060 is the port of taps[0] already"]
    parse(f"{one}{other}port = 5070\n", "f")
    card = '[[taps]]\nname = "NAME"\nkind = "soundcard"\ndevice = "hw:CARD=A"\n'
    one, other = (card.replace("NAME", name) for name in ("a", "b"))
    assert faults(one + other) == ["f:8: taps[1].device: hw:CARD=A is the device of taps[0] already"]
    parse(one.replace("hw:CARD=A", "pulse") + other.replace("hw:CARD=A", "pulse"), "f")


def test_what_a_trunk_tells_is_a_field_of_a_call() -> None:
    wrong = 'metadata = { device = ["agent-user"], usr1 = ["element:ucid"], keep_days = ["element:days"] }\n'
    first, second = faults(SIP.replace("NAME", "a") + wrong)
    assert first.startswith("f:4: taps[0].metadata.keep_days: unknown call field; there are agent_id, ani, ")
    assert second == "f:4: taps[0].metadata.usr1: unknown call field; did you mean user1?"
    good = 'metadata = { user1 = ["element:ucid"], agent_id = ["agent-name"], call_direction = ["direction"] }\n'
    parse(SIP.replace("NAME", "a") + good, "f")
