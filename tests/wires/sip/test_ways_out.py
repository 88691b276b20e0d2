"""By which way the trunk's own calls go: TCP, TLS, a proxy, reliable progress; without the front and through it."""

from __future__ import annotations

import asyncio
import shutil
import socket
from pathlib import Path
from typing import Any

import pydantic
import pytest
import trustme

from appliance.audio.measure import read_coded
from drivers.contract import CallAnswered, CallLeft, MediaStarted
from hil.peers.sip_phone import SipPhone
from hil.peers.sipp import Sipp
from tests.wires.front import conftest as front
from tests.wires.sip import conftest as plain
from tests.wires.sip.conftest import PACKET_S, Trunk, packet
from tests.wires.sip.sipp_calls import SCENARIOS

pytestmark = [
    pytest.mark.wires,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(shutil.which("kamailio", path="/usr/sbin:/usr/bin") is None, reason="kamailio is not installed"),
]
RUNNING = [pytest.param(plain.running, id="workers"), pytest.param(front.running, id="front")]


async def talk(trunk: Trunk, phone: SipPhone) -> str:
    """Call the phone and hang up; gives its INVITE."""
    await trunk.tap.dial("0", "5003", "")
    await trunk.wait(CallAnswered)
    invite = phone.facts("invited")[0].details["message"]
    await trunk.tap.hang_up("0", "done")
    (left,) = await trunk.wait(CallLeft)
    assert left.reason == "done"
    await asyncio.to_thread(phone.wait, "ended", timeout_s=3)
    return str(invite)


@pytest.mark.parametrize("running", RUNNING)
async def test_a_call_over_tcp(running: Any, tmp_path: Path) -> None:
    with SipPhone(transport="tcp") as phone:
        uri = f"sip:{{number}}@127.0.0.1:{phone.port};transport=tcp"
        async with running(tmp_path / "run", calls=1, dial_uri=uri) as trunk:
            assert "Via: SIP/2.0/TCP" in await talk(trunk, phone)


async def test_a_call_over_tls_goes_by_the_front(tmp_path: Path) -> None:
    certificate = trustme.CA().issue_cert("phone.test")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    files = {"certificate": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
    with SipPhone(transport="tls", **files) as phone:
        uri = f"sip:{{number}}@127.0.0.1:{phone.port};transport=tls"
        port = front.free_ports()
        async with front.running(tmp_path / "run", calls=1, dial_uri=uri, port=port, tls_port=port + 1) as trunk:
            assert "Via: SIP/2.0/TLS" in await talk(trunk, phone)


async def test_a_call_over_tls_without_the_front_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pydantic.ValidationError, match="dial_uri asks for TLS, which the front sends"):
        async with plain.running(tmp_path / "run", calls=1, dial_uri="sip:{number}@127.0.0.1:9;transport=tls"):
            pass


@pytest.mark.parametrize("running", RUNNING)
async def test_a_call_by_a_proxy(running: Any, tmp_path: Path) -> None:
    """The number's own host is not there: only the proxy is asked."""
    with SipPhone() as phone:
        options = {"dial_uri": "sip:{number}@192.0.2.9", "outbound_proxy": f"127.0.0.1:{phone.port}"}
        async with running(tmp_path / "run", calls=1, **options) as trunk:
            invite = await talk(trunk, phone)
            assert invite.startswith("INVITE sip:5003@192.0.2.9 SIP/2.0")
            assert f"Route: <sip:127.0.0.1:{phone.port};lr>" in invite


async def test_reliable_progress_is_confirmed_and_its_audio_recorded(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as voice:
        voice.bind(("127.0.0.1", 0))
        keys = {"rtp_port": voice.getsockname()[1]}
        async with Sipp(SCENARIOS / "reliable_progress.xml", tmp_path, keys=keys) as peer:
            uri = f"sip:{{number}}@127.0.0.1:{peer.port}"
            async with plain.running(tmp_path / "run", calls=1, dial_uri=uri) as trunk:
                session = trunk.spool.new_session_id("trunk", "0")
                await trunk.tap.dial("0", "5003", "")
                await trunk.tap.start_line("0", session)
                (target,) = await peer.media("INVITE")
                await peer.heard("PRACK")
                await asyncio.sleep(0.1)
                for number in range(100):  # the answer comes in the middle
                    voice.sendto(packet(0, number), target)
                    await asyncio.sleep(PACKET_S)
                await trunk.wait(CallAnswered)
                await trunk.tap.hang_up("0", "done")
                await trunk.wait(CallLeft)
                await peer.over()
                kinds = [type(fact) for _, fact in trunk.facts]
                assert kinds.index(MediaStarted) < kinds.index(CallAnswered)
                found = read_coded(trunk.legs(session)[0].pcm, 0)
                assert found.lost(100) == []
