from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pydantic
import pytest

from drivers.contract import TapFailedError, TapOptionsError
from drivers.taps.sip import Options
from drivers.taps.sip._place import BEHIND, FRONT, Place
from drivers.taps.sip._plan import addressed, has_front, share, tell_callers, tell_ports, with_front
from drivers.taps.sip.front import Program
from drivers.taps.sip.front._configuration import Configuration
from drivers.taps.sip.front._engine import Engine
from drivers.taps.sip.front._folder import make_folder, place_certificate

PROGRAM = Program(Path("/usr/sbin/kamailio"), Path("/modules"))


def options(**given: Any) -> Options:
    return Options(name="t", kind="sip", **given)


def test_the_front_is_the_last_worker_and_serves_no_line() -> None:
    plans = with_front(share(10, 4))
    assert [plan.role for plan in plans] == [BEHIND, BEHIND, BEHIND, FRONT]
    assert (plans[-1].index, plans[-1].lines, plans[-1].shares) == (3, (), (4, 4, 2))


def test_no_two_sockets_on_one_port() -> None:
    given = options(port=5060, tls_port=5061, front="kamailio")
    ports = [given.port, given.tls_port, given.inside_port]
    for plan in with_front(share(40, 4))[:-1]:
        place = Place.of(given, plan)
        assert place.host == "127.0.0.1"
        ports += [place.port, place.door]
    assert len(set(ports)) == len(ports) == 23


def test_what_others_may_not_have() -> None:
    given = options(port=5060, tls_port=5061, host="10.0.0.1", front="kamailio", media="rtpengine")
    first, second, relay, front = addressed(given, with_front(share(8, 4), relay=True))
    assert front.listens == ("10.0.0.1:5060", "127.0.0.1:5062", "10.0.0.1:5061")
    assert relay.listens == ("127.0.0.1:5063",)
    assert first.listens == ("127.0.0.1:5064", "127.0.0.1:5065")
    assert second.listens == ("127.0.0.1:5066", "127.0.0.1:5067")
    alone = addressed(options(port=5060, host="0.0.0.0", front="none"), share(8, 4))
    assert [plan.listens for plan in alone] == [("0.0.0.0:5060",), ("0.0.0.0:5062",)]


def test_without_a_front_the_worker_listens_where_it_did() -> None:
    assert Place.of(options(port=5060, host="10.0.0.1"), share(8, 4)[1]) == Place("10.0.0.1", 5062)


def test_nothing_is_left_to_fill_in(tmp_path: Path) -> None:
    given = options(front="kamailio", port=5060, tls_port=5061, peers=["10.0.0.0/8", "192.0.2.7"], calls_per_s=5)
    made = Configuration(given, PROGRAM, tmp_path, (4, 4, 2))
    made.write()
    text = made.path.read_text()
    assert "@" not in text.split("\n", 4)[4]
    assert "listen=tls:127.0.0.1:5061" in text
    assert "if (src_ip != 10.0.0.0/255.0.0.0 && src_ip != 192.0.2.7/255.255.255.255) {" in text
    assert '"TAILDROP", "15"' in text
    assert "$sht(calls=>2) = 2;" in text
    assert str(tmp_path / "own.crt") in (tmp_path / "tls.cfg").read_text()


def test_calls_go_out_by_tls_where_the_front_has_it() -> None:
    for uri in ("sip:{number}@192.0.2.1;transport=tls", "sip:{number}@192.0.2.1;transport=tcp"):
        assert options(tls_port=5061, dial_uri=uri).dials
    with pytest.raises(pydantic.ValidationError, match=r"dial_uri asks for TLS.*tls_port"):
        options(dial_uri="sip:{number}@192.0.2.1;transport=tls")
    with pytest.raises(pydantic.ValidationError, match=r"for TLS write sip:, and ;transport=tls"):
        options(dial_uri="sips:{number}@192.0.2.1")


def test_rtpengine_is_asked_only_where_it_is_set(tmp_path: Path) -> None:
    for media in ("direct", "rtpengine"):
        made = Configuration(options(front="kamailio", port=5060, media=media), PROGRAM, tmp_path, (4,))
        made.write()
        text = made.path.read_text()
        assert "@" not in text.split("\n", 4)[4]
        assert ("rtpengine_offer" in text) == ("udp:127.0.0.1:5063" in text) == (media == "rtpengine")


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, "PCMU"),
        ({"codecs": ("PCMA", "PCMU")}, "PCMA"),
        ({"codecs": ("G722", "PCMA")}, "PCMA"),
        ({"codecs": ("G722",)}, "G722"),
        ({"rate_hz": 16000}, "G722"),
        ({"rate_hz": 16000, "codecs": ("PCMA", "G722")}, "G722"),
        ({"rate_hz": 16000, "codecs": ("PCMU",)}, "PCMU"),
    ],
)
def test_rtpengine_makes_a_codec_that_the_trunk_takes(given: Any, made: str, tmp_path: Path) -> None:
    configuration = Configuration(options(front="kamailio", media="rtpengine", **given), PROGRAM, tmp_path, (4,))
    configuration.write()
    assert f'codec-transcode-{made}"' in configuration.path.read_text()


def test_one_address_may_take_three_quarters_or_what_is_set(tmp_path: Path) -> None:
    for given, share_of_one in (({}, 30), ({"peer_calls_per_s": 7}, 7)):
        made = Configuration(options(front="kamailio", **given), PROGRAM, tmp_path, (4, 4))
        made.write()
        assert f'"from-$si", "TAILDROP", "{share_of_one}"' in made.path.read_text()


@pytest.mark.parametrize("given", [{"front": "none"}, {"front": "kamailio", "host": "0.0.0.0"}])
def test_rtpengine_needs_a_front_and_one_address(given: dict[str, str]) -> None:
    with pytest.raises(pydantic.ValidationError, match="rtpengine"):
        options(media="rtpengine", **given)


def test_rtpengine_needs_ports_for_its_calls(tmp_path: Path) -> None:
    with pytest.raises(TapOptionsError, match=r"rtpengine_ports|package"):
        Engine(options(front="kamailio", media="rtpengine", rtpengine_ports=64_000), tmp_path, 200)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tls_certificate": "/a"},
        {"tls_port": 5062, "front": "kamailio"},
        {"tls_port": 5061, "front": "none"},
        {"peer_calls_per_s": 5, "front": "none"},
        {"host": "192.0.2.256"},
        {"peers": ["pbx"]},
        {"metadata": {"User 1": ["agent-user"]}},
        {"metadata": {"user1": ["agent"]}},
    ],
)
def test_wrong_options_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        options(**wrong)


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path}:/elsewhere")
    folder = make_folder(options())
    assert folder.parent == tmp_path
    assert make_folder(options()) == folder
    folder.chmod(0o777)
    with pytest.raises(TapFailedError):
        make_folder(options())
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(TapFailedError):
        make_folder(options())


def test_a_certificate_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TapOptionsError):
        place_certificate(options(tls_certificate=tmp_path / "c", tls_key=tmp_path / "k"), tmp_path)


def test_an_own_certificate_is_made_once(tmp_path: Path) -> None:
    place_certificate(options(), tmp_path)
    made = (tmp_path / "own.crt").read_bytes()
    place_certificate(options(), tmp_path)
    assert (tmp_path / "own.crt").read_bytes() == made
    assert os.stat(tmp_path / "own.key").st_mode & 0o077 == 0  # noqa: PTH116


@pytest.fixture
def no_kamailio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert Program.find() is None


@pytest.mark.usefixtures("no_kamailio")
def test_without_kamailio_there_is_no_front() -> None:
    assert options().front == "auto"
    assert not has_front(options())
    assert not has_front(options(front="none"))
    with pytest.raises(TapOptionsError, match="package kamailio"):
        has_front(options(front="kamailio"))


@pytest.mark.usefixtures("no_kamailio")
@pytest.mark.parametrize("asking", [{"tls_port": 5061}, {"peer_calls_per_s": 5}, {"media": "rtpengine"}])
def test_what_only_a_front_does_is_not_left_out_in_silence(asking: dict[str, Any]) -> None:
    (name,) = asking
    assert not has_front(options(peers=["10.0.0.1"])), "the workers see to that themselves"
    with pytest.raises(TapOptionsError, match=name):
        has_front(options(**asking))
    with pytest.raises(pydantic.ValidationError, match=f"{name}.* needs a front"):
        options(front="none", **asking)


@pytest.mark.parametrize(
    ("given", "workers", "front", "level", "said"),
    [
        ({}, 2, 1, "INFO", "calls come to port 5060 of 127.0.0.1: Kamailio spreads them over 2 workers (ports 5064"),
        ({"tls_port": 5061}, 1, 1, "INFO", "of 127.0.0.1, those by TLS to port 5061: Kamailio hands them to 1 worker"),
        ({}, 3, 0, "WARNING", "3 workers take calls on ports of their own of 127.0.0.1: 5060, 5062, 5064; with"),
        ({"front": "none"}, 1, 0, "INFO", "calls come to port 5060 of 127.0.0.1"),
    ],
)
def test_where_calls_come_to_is_said(
    given: dict[str, Any], workers: int, front: int, level: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    tell_ports(options(**given), workers, front=bool(front))
    (record,) = caplog.records
    assert (record.levelname, said in record.getMessage()) == (level, True), record.getMessage()


@pytest.mark.parametrize(
    ("given", "warnings"),
    [
        ({"host": "127.0.0.5"}, []),
        ({"host": "10.0.0.1", "peers": ["10.0.0.2"]}, []),
        ({"host": "10.0.0.1"}, ["whoever reaches 10.0.0.1 may place calls: peers names who may"]),
        ({"host": "0.0.0.0"}, ["whoever reaches 0.0.0.0 may place calls: peers names who may"]),
    ],
)
def test_a_trunk_that_is_open_to_all_is_warned_of(
    given: dict[str, Any], warnings: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    tell_callers(options(**given))
    assert caplog.messages == warnings
