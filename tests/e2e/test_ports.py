"""A box whose ports are kept: certificates of clients on 5620, HTTPS with tokens, and the audit that names both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from appliance.errors import UnreachableError
from hil.child_box import ChildBox
from hil.ports import free_tcp_ports
from tests.authority import Authority
from tests.e2e.conftest import Boxes


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


@pytest.fixture(scope="module")
def https_port() -> int:
    return free_tcp_ports(1)[0]


@pytest.fixture(scope="module")
def kept_box(make_shared_box: Boxes, authority: Authority, https_port: int) -> ChildBox:
    server = authority.issue("localhost")
    return make_shared_box(
        [{"name": "lines", "kind": "virtual"}],
        api={"client_ca": authority.file},
        https={"enabled": True, "port": https_port, "tokens": True},
        tls={"certificate": server.certificate, "key": server.key},
    )


@pytest.fixture
def environment(authority: Authority) -> dict[str, str]:
    desk = authority.issue("desk.example.com")
    return {
        "LINETAP_CA": str(authority.file),
        "LINETAP_CERTIFICATE": str(desk.certificate),
        "LINETAP_KEY": str(desk.key),
    }


def linetap(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appliance.cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_each_port_is_told_of_at_the_start(kept_box: ChildBox, https_port: int) -> None:
    own = "from this machine alone"
    told = [line for line in kept_box.log_path.read_text().splitlines() if "listening: " in line]
    assert [text.partition("listening: ")[2].partition('"')[0] for text in told] == [
        f"commands on 127.0.0.1:{kept_box.api_port}; reached {own}, by TLS, with a certificate of the client",
        f"events on 127.0.0.1:{kept_box.events_port}; reached {own}, by plain text, with no log-in",
        f"web on 127.0.0.1:{kept_box.web_port}; reached {own}, by plain text or TLS, with no log-in",
        f"https on 127.0.0.1:{https_port}; reached {own}, by TLS, with a token",
    ]


def test_a_technician_with_a_certificate_and_a_token(
    kept_box: ChildBox, https_port: int, environment: dict[str, str], tmp_path: Path
) -> None:
    at = ["--host", "localhost", "--port", str(kept_box.api_port)]
    assert linetap("group", "list", *at).returncode == 69
    added = linetap("group", "add", "Night", *at, **environment)
    assert added.returncode == 0, added.stderr
    config = ["--config", str(kept_box.settings_path)]
    token = linetap("token", "add", "desk", *config).stdout.strip()
    fetch = ["export", "--field", "ident", "--value", "1", "--out", str(tmp_path / "a.wav")]
    over = ["--host", "localhost", "--port", str(https_port)]
    assert "HTTP 401" in linetap(*fetch, *over, **environment).stderr
    assert "API_FILE_NOT_FOUND" in linetap(*fetch, *over, **environment, LINETAP_TOKEN=token).stderr
    entries = json.loads(linetap("audit", "list", "--json", *config).stdout)
    noted = [(entry["what"], entry["port"], entry["who"]) for entry in entries]
    assert ("ADDGROUP", "commands", "certificate desk.example.com") in noted
    assert ("token add", "cli", "") in noted


def test_what_was_refused_is_counted(kept_box: ChildBox) -> None:
    with kept_box.client() as client, pytest.raises(UnreachableError):
        client.request({"TYPE": "TEST"})
    with urllib.request.urlopen(f"http://127.0.0.1:{kept_box.web_port}/metrics", timeout=10) as answer:
        body = answer.read()
    line = 'linetap_refusals_total{port="commands",reason="plain text where TLS is asked for"}'
    assert any(text.startswith(line) and not text.endswith(" 0") for text in body.decode().splitlines())
    assert b"linetap_certificate_ends_seconds " in body
