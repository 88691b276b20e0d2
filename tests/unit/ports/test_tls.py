"""TLS on the ports, by real TLS clients: given and own certificates, client certificates, handshakes that never end."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance import clock
from appliance.errors import SettingsError
from appliance.eventproxy.feed import EventProxy
from appliance.events.bus import EventBus
from appliance.messages.origin import Port
from appliance.messages.samples import sample_services
from appliance.ports.certificate import PUBLIC
from appliance.ports.refusals import Reason
from appliance.ports.tls import Certificates
from appliance.settings.models import EventSettings, Settings
from appliance.webapi.app import web_api
from appliance.webapi.server import WebServer
from appliance.xmlapi.server import XmlServer
from tests.authority import Authority, Files
from tests.unit.serving import TEST, WAIT_S, Client, code_of, until

PAGE = "/webapi.aspx?type=test&requestid=1"


def settings(folder: Path, given: Files | None = None, **sections: Any) -> Settings:
    tls = {"certificate": given.certificate, "key": given.key} if given else {}
    ports = {name: {"port": 0} | sections.get(name, {}) for name in ("api", "web", "https")}
    return Settings.model_validate({"box": {"data_dir": folder}, "tls": tls, **ports})


@contextlib.asynccontextmanager
async def xml_port(found: Settings) -> AsyncIterator[XmlServer]:
    services = sample_services(found.api)
    feed = EventProxy(EventBus(), EventSettings(), found.api).feed
    context = Certificates(found).context("api", found.api)
    server = XmlServer(found.api, services, Port.COMMANDS, feed, context)
    await server.start()
    yield server
    await server.stop()


@contextlib.asynccontextmanager
async def web_port(found: Settings, name: str = "web") -> AsyncIterator[WebServer]:
    listener = found.web if name == "web" else found.https
    server = WebServer(listener, web_api(sample_services()), Certificates(found).context(name, listener), name=name)
    await server.start()
    yield server
    await server.stop()


async def connect(port: int, context: ssl.SSLContext) -> Client:
    return Client(*await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost"))


async def asked(port: int, context: ssl.SSLContext) -> int:
    client = await connect(port, context)
    code = code_of(await client.ask(TEST % 1))
    await client.close()
    return code


@pytest.fixture
def given(authority: Authority) -> Files:
    return authority.issue("localhost")


# --- HTTP ---


async def test_http_and_https_on_the_plain_port(tmp_path: Path) -> None:
    found = settings(tmp_path)
    async with web_port(found) as server:
        trust = ssl.create_default_context(cafile=str(tmp_path / "tls" / PUBLIC))
        for url, verify in ((f"http://127.0.0.1:{server.port}", True), (f"https://127.0.0.1:{server.port}", trust)):
            async with httpx.AsyncClient(timeout=WAIT_S, verify=verify) as http:
                for _ in range(2):
                    assert code_of((await http.get(url + PAGE)).content) == 20
        assert not server.gate.refusals.counts


async def test_https_by_a_given_certificate(tmp_path: Path, authority: Authority, given: Files) -> None:
    async with web_port(settings(tmp_path, given), "https") as server:
        async with httpx.AsyncClient(timeout=WAIT_S, verify=authority.client()) as http:
            assert code_of((await http.get(f"https://localhost:{server.port}{PAGE}")).content) == 20
        assert not (tmp_path / "tls").exists()


async def test_plain_text_on_the_tls_port_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with web_port(settings(tmp_path), "https") as server, httpx.AsyncClient(timeout=WAIT_S) as http:
        with pytest.raises(httpx.TransportError):
            await http.get(f"http://127.0.0.1:{server.port}{PAGE}")
        assert server.gate.refusals.counts == {Reason.PLAIN: 1}
        assert "refused on port https: plain text where TLS is asked for: 127.0.0.1:" in caplog.text


async def test_a_client_that_does_not_trust_the_certificate_is_told_of(tmp_path: Path) -> None:
    async with web_port(settings(tmp_path)) as server, httpx.AsyncClient(timeout=WAIT_S) as http:
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            await http.get(f"https://127.0.0.1:{server.port}{PAGE}")
        await until(lambda: server.gate.refusals.counts[Reason.TLS] == 1)
        await until(lambda: server.gate.connections == 0)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
async def test_curl_with_the_own_certificate(tmp_path: Path) -> None:
    async with web_port(settings(tmp_path)) as server:
        public = tmp_path / "tls" / PUBLIC
        for words in (["--cacert", str(public), "https"], ["http"]):
            url = f"{words[-1]}://localhost:{server.port}{PAGE}"
            process = await asyncio.create_subprocess_exec(
                *("curl", "--silent", "--show-error", "--max-time", "10", *words[:-1], url),
                stdout=asyncio.subprocess.PIPE,
            )
            assert code_of((await process.communicate())[0]) == 20


async def test_handshakes_that_never_end_are_ended_and_hold_up_nobody(tmp_path: Path) -> None:
    found = settings(tmp_path, web={"idle_s": 0.5, "silent_s": 0.5})
    async with web_port(found) as server:
        half = bytes.fromhex("1603010200010001fc0303")  # a ClientHello that breaks off
        slow = []
        for octets in [half] * 20 + [b"\x16"] * 20 + [b""] * 20:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(octets)
            slow.append((reader, writer))
        await until(lambda: server.gate.connections == 60)
        trust = ssl.create_default_context(cafile=str(tmp_path / "tls" / PUBLIC))
        async with httpx.AsyncClient(timeout=WAIT_S, verify=trust) as http:
            assert code_of((await http.get(f"https://127.0.0.1:{server.port}{PAGE}")).content) == 20
        for reader, writer in slow:
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
            writer.close()
        assert server.gate.refusals.counts[Reason.HANDSHAKE] == 40
        assert server.gate.refusals.counts[Reason.SILENT] >= 20
        await until(lambda: server.gate.connections == 0)


async def test_handshakes_count_as_connections(tmp_path: Path) -> None:
    async with web_port(settings(tmp_path, web={"max_connections": 2})) as server:
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
        for _, writer in held:
            writer.write(b"\x16")
        await until(lambda: server.gate.connections == 2)
        async with httpx.AsyncClient(timeout=WAIT_S) as http:
            with pytest.raises(httpx.TransportError):
                await http.get(f"http://127.0.0.1:{server.port}{PAGE}")
        assert server.gate.refusals.counts == {Reason.CONNECTIONS: 1}
        for _, writer in held:
            writer.close()


async def test_stopping_drops_who_still_stands_at_the_door(tmp_path: Path) -> None:
    async with asyncio.timeout(WAIT_S), web_port(settings(tmp_path)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        _, half = await asyncio.open_connection("127.0.0.1", server.port)
        half.write(b"\x16")
        await until(lambda: server.gate.connections == 2)
        await server.stop()
        assert server.gate.connections == 0
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        half.close()


# --- XML ---


async def test_xml_over_tls_and_in_plain_on_one_port(tmp_path: Path, authority: Authority, given: Files) -> None:
    async with xml_port(settings(tmp_path, given, api={"tls": "both"})) as server:
        client = await connect(server.port, authority.client())
        await client.send(b"".join(TEST % n for n in range(1000)))
        for _ in range(1000):
            assert code_of(await client.read()) == 20
        plain = Client(*await asyncio.open_connection("127.0.0.1", server.port))
        assert code_of(await plain.ask(TEST % 1)) == 20
        await plain.close()
        await client.close()
        await until(lambda: server.connections == 0)


async def test_tls_where_it_is_off_is_no_message(tmp_path: Path, authority: Authority, given: Files) -> None:
    async with xml_port(settings(tmp_path, given)) as server:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await connect(server.port, authority.client())
        assert server.gate.refusals.counts[Reason.NO_MESSAGE] >= 1


async def test_who_shows_a_good_certificate_comes_in_by_name(
    tmp_path: Path, authority: Authority, given: Files
) -> None:
    crm = authority.issue("crm.example.com")
    async with xml_port(settings(tmp_path, given, api={"tls": "on", "client_ca": authority.file})) as server:
        client = await connect(server.port, authority.client(crm))
        assert code_of(await client.ask(TEST % 1)) == 20
        (connection,) = server._connections
        assert connection._origin.who == "certificate crm.example.com"
        await client.close()


@pytest.mark.parametrize("shown", ["none", "another authority's", "one that has ended"])
async def test_who_shows_none_or_a_bad_one_stays_outside(
    tmp_path: Path, authority: Authority, stranger: Authority, given: Files, shown: str
) -> None:
    ended = clock.now() - dt.timedelta(days=1)
    files = {
        "none": None,
        "another authority's": stranger.issue("crm.example.com"),
        "one that has ended": authority.issue("old.example.com", ends_at=ended),
    }[shown]
    async with xml_port(settings(tmp_path, given, api={"tls": "on", "client_ca": authority.file})) as server:
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await asked(server.port, authority.client(files))
        await until(lambda: server.gate.refusals.counts == {Reason.TLS: 1})
        assert await asked(server.port, authority.client(authority.issue("crm"))) == 20


async def test_a_client_certificate_is_asked_of_no_other_port(
    tmp_path: Path, authority: Authority, given: Files
) -> None:
    found = settings(tmp_path, given, api={"tls": "on", "client_ca": authority.file})
    async with web_port(found) as server, httpx.AsyncClient(timeout=WAIT_S, verify=authority.client()) as http:
        assert code_of((await http.get(f"https://localhost:{server.port}{PAGE}")).content) == 20


# --- the certificate's life ---


async def test_a_given_certificate_that_was_renewed_is_taken_up(
    tmp_path: Path, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    soon = clock.now() + dt.timedelta(days=3)
    given = authority.issue("localhost", ends_at=soon)
    found = settings(tmp_path, given, api={"tls": "on"})
    certificates = Certificates(found)
    context = certificates.context("api", found.api)
    assert certificates.ends_at is not None
    assert abs(certificates.ends_at - soon) < dt.timedelta(seconds=2)
    certificates.refresh()
    assert "the certificate ends at" in caplog.text
    authority.issue("localhost", ends_at=clock.now() + dt.timedelta(days=300))
    certificates.refresh()
    assert certificates.ends_at > clock.now() + dt.timedelta(days=200)
    given.certificate.write_text("broken while it is being written")
    caplog.clear()
    certificates.refresh()
    assert "the certificate of before stays" in caplog.text
    server = XmlServer(
        found.api, sample_services(), Port.COMMANDS, EventProxy(EventBus(), EventSettings(), found.api).feed, context
    )
    await server.start()
    client = await connect(server.port, authority.client())
    assert code_of(await client.ask(TEST % 1)) == 20
    await client.close()
    await server.stop()


async def test_the_own_certificate_is_renewed_while_the_box_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = settings(tmp_path)
    certificates = Certificates(found)
    context = certificates.context("web", found.web)
    first = certificates.ends_at
    assert first is not None
    server = WebServer(found.web, web_api(sample_services()), context)
    await server.start()
    later = clock.now() + dt.timedelta(days=300)
    monkeypatch.setattr(clock, "now", lambda: later)
    certificates.refresh()
    assert certificates.ends_at is not None
    assert certificates.ends_at > first + dt.timedelta(days=200)
    shown = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", server.port))
    assert shown.strip() == (tmp_path / "tls" / PUBLIC).read_text().strip()
    await server.stop()


async def test_files_that_cannot_be_used_are_faults_of_the_settings(
    tmp_path: Path, authority: Authority, stranger: Authority, given: Files
) -> None:
    other_key = Files(given.certificate, stranger.issue("localhost").key)
    missing = Files(tmp_path / "none.pem", given.key)
    for files, text in ((other_key, "mismatch"), (missing, "No such file")):
        found = settings(tmp_path, files)
        with pytest.raises(SettingsError, match=text):
            Certificates(found).context("web", found.web)
    (tmp_path / "empty.pem").touch()
    found = settings(tmp_path, given, api={"tls": "on", "client_ca": tmp_path / "empty.pem"})
    with pytest.raises(SettingsError, match=r"api\.client_ca"):
        Certificates(found).context("api", found.api)


def test_they_are_looked_at_without_a_start(tmp_path: Path, authority: Authority, given: Files) -> None:
    Certificates(settings(tmp_path / "data", given, api={"client_ca": authority.file})).check()
    Certificates(settings(tmp_path / "data")).check()
    assert not (tmp_path / "data").exists()
    missing = settings(tmp_path, api={"client_ca": tmp_path / "none.pem"})
    with pytest.raises(SettingsError, match=r"api\.client_ca"):
        Certificates(missing).check()
    with pytest.raises(SettingsError, match=r"tls\.certificate"):
        Certificates(settings(tmp_path, Files(authority.file, given.key))).check()


def test_a_box_that_cannot_keep_its_own_goes_on_in_plain_where_it_may(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tls").touch()  # no folder can be made
    found = settings(tmp_path)
    assert Certificates(found).context("web", found.web) is None
    assert "goes without TLS" in caplog.text
    with pytest.raises(SettingsError):
        Certificates(found).context("https", found.https)


async def test_where_clients_show_certificates_there_is_no_plain_way_round(
    tmp_path: Path, authority: Authority, given: Files
) -> None:
    for mode in ("off", "both"):
        async with xml_port(settings(tmp_path, given, api={"tls": mode, "client_ca": authority.file})) as server:
            client = Client(*await asyncio.open_connection("127.0.0.1", server.port))
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await client.ask(TEST % 1)
            assert server.gate.refusals.counts == {Reason.PLAIN: 1}
