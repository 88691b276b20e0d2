"""The box's own certificate: made once, kept, renewed in good time, never half there."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509

from appliance import clock
from appliance.ports.certificate import CHAIN, PUBLIC, ends_at, keep_own

NAMES = ["recorder", "localhost", "127.0.0.1", "::1"]


def certificate(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / PUBLIC).read_bytes())


def later(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_made_on_the_first_start_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "tls"
    chain = keep_own(folder, NAMES, 90)
    assert chain.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / PUBLIC).stat().st_mode & 0o777 == 0o644
    assert b"PRIVATE" not in (folder / PUBLIC).read_bytes()
    made = certificate(folder)
    named = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in named] == NAMES
    assert dt.timedelta(days=89) < ends_at(chain) - clock.now() <= dt.timedelta(days=90)
    before = chain.read_bytes()
    assert keep_own(folder, NAMES, 90).read_bytes() == before


def test_renewed_before_it_ends_with_the_same_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_own(tmp_path, NAMES, 90)
    first = certificate(tmp_path)
    later(monkeypatch, 59)
    keep_own(tmp_path, NAMES, 90)
    assert certificate(tmp_path) == first
    later(monkeypatch, 61)
    keep_own(tmp_path, NAMES, 90)
    second = certificate(tmp_path)
    assert second != first
    assert second.public_key() == first.public_key()
    assert second.not_valid_after_utc > first.not_valid_after_utc


def test_made_anew_for_other_names_and_for_a_clock_that_was_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_own(tmp_path, NAMES, 90)
    first = certificate(tmp_path)
    keep_own(tmp_path, [*NAMES, "rec.example.com"], 90)
    second = certificate(tmp_path)
    assert second != first
    later(monkeypatch, -400)  # it was made in the future
    keep_own(tmp_path, [*NAMES, "rec.example.com"], 90)
    assert certificate(tmp_path).not_valid_before_utc < clock.now()


@pytest.mark.parametrize("octets", [b"", b"no certificate", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_broken_is_made_anew(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / CHAIN).write_bytes(octets)
    (tmp_path / f"{CHAIN}.part").write_bytes(b"left by a box that went down")
    chain = keep_own(tmp_path, NAMES, 90)
    assert ends_at(chain) > clock.now()
    assert chain.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == [PUBLIC, CHAIN]


def test_a_key_without_its_certificate_is_kept(tmp_path: Path) -> None:
    chain = keep_own(tmp_path, NAMES, 90)
    key = certificate(tmp_path).public_key()
    chain.write_bytes(chain.read_bytes().partition(b"-----BEGIN CERTIFICATE")[0])
    keep_own(tmp_path, NAMES, 90)
    assert certificate(tmp_path).public_key() == key
