from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from drivers.contract import CallArrived, CallLeft, CallRefused
from hil.peers.sip_uac import CallRefusedError
from hil.peers.siprec_client import SiprecClient
from tests.wires.front.conftest import free_ports, kamailios, running, until
from tests.wires.sip.metadata import document

pytestmark = [pytest.mark.wires, pytest.mark.asyncio(loop_scope="module")]


async def test_an_unknown_device_gets_404_and_no_other_worker_is_asked(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=8, unknown_devices="refuse", devices=["50*"]) as trunk:
        with pytest.raises(CallRefusedError) as refused:
            await caller.call(trunk.port, to="6001")
        assert refused.value.code == 404
        (fact,) = await trunk.wait(CallRefused)
        assert (fact.code, fact.device) == (404, "6001")
        async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
            await client.begin(document())  # its device stands in the metadata alone
            assert await client.end() == 200


async def test_who_is_no_peer_is_turned_away(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=4, peers=["10.0.0.0/8", "192.0.2.7"]) as trunk:
        with pytest.raises(CallRefusedError) as refused:
            await caller.call(trunk.port)
        assert refused.value.code == 403
    async with running(tmp_path / "more", calls=4, peers=["10.0.0.0/8", "127.0.0.0/8"]) as trunk:
        assert await caller.bye(await caller.call(trunk.port)) == 200


async def test_more_calls_in_a_second_than_the_trunk_takes(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=8, calls_per_s=2) as trunk:
        results = await asyncio.gather(*(caller.call(trunk.port) for _ in range(12)), return_exceptions=True)
        codes = [getattr(result, "code", 200) for result in results]
        assert set(codes) == {200, 503}
        assert codes.count(200) <= 8
        for result in results:
            if not isinstance(result, BaseException):
                assert await caller.bye(result) == 200


async def test_nobody_is_led_past_the_workers(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=4) as trunk:
        dialog = await caller.call(trunk.port)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            elsewhere.bind(("127.0.0.1", 0))
            elsewhere.settimeout(0.5)
            contact, dialog.contact = dialog.contact, f"sip:x@127.0.0.1:{elsewhere.getsockname()[1]}"
            assert await caller.uac.bye(dialog) == 403
            with pytest.raises(TimeoutError):
                elsewhere.recv(100)
        dialog.contact = contact
        dialog.ended.clear()
        assert await caller.bye(dialog) == 200


async def test_headers_of_ours_are_not_taken_from_outside(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=4) as trunk:
        headers = {"X-Linetap-Source": "udp:1.2.3.4:5", "X-Linetap-Metadata": "yes"}
        dialog = await caller.call(trunk.port, headers=headers)
        (arrived,) = await trunk.wait(CallArrived)
        assert arrived.details["source"] == f"udp:127.0.0.1:{caller.uac.port}"
        assert await caller.bye(dialog) == 200


async def test_a_given_certificate_is_shown(tmp_path: Path, caller: Any) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=given"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tmp_path / "k"), "-out", str(tmp_path / "c")]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, timeout=20)
    port = free_ports()
    given = {"tls_port": port + 1, "tls_certificate": tmp_path / "c", "tls_key": tmp_path / "k"}
    async with running(tmp_path / "run", calls=4, port=port, **given) as trunk:
        client = SiprecClient(port + 1, caller.socket.getsockname()[1], transport="tls", certificate=tmp_path / "c")
        async with client:
            await client.begin(document())
            assert await client.end() == 200
        await trunk.wait(CallLeft)


async def test_a_mute_front_is_replaced(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=4) as trunk:
        for process in kamailios(trunk):
            os.kill(process.pid, signal.SIGSTOP)
        await until(lambda: trunk.tap.status.restarts == 1 and trunk.tap.status.workers_up == 2, timeout_s=30)
        assert await caller.bye(await caller.call(trunk.port)) == 200


async def test_every_address_of_the_machine(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=4, host="0.0.0.0") as trunk:
        async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
            await client.begin(document(padding=9000))
            await caller.send(client, range(10))
            assert await client.end() == 200
        (arrived,) = await trunk.wait(CallArrived)
        assert arrived.device == "5003"
