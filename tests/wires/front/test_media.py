"""rtpengine before the media: callers that send SRTP or Opus are recorded as the workers hear them."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import struct
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest

from appliance.audio import measure
from appliance.audio.measure import read_coded
from drivers.contract import CallLeft
from hil.peers.call_plan import CallPlan
from hil.peers.rtpengine import Ng, Rtpengine
from hil.peers.sip_caller import SipCaller, write_tone
from hil.peers.sip_uac import offer_audio
from hil.peers.siprec_client import SiprecClient
from tests.wires.front.conftest import front_folder, kamailios, running, until
from tests.wires.sip.conftest import Trunk
from tests.wires.sip.metadata import document
from tests.wires.sip.sipp_calls import TAIL, spoken

pytestmark = [
    pytest.mark.wires,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(shutil.which("rtpengine") is None, reason="rtpengine is not installed"),
]

TONE_HZ = 441.0
ENGINE: dict[str, Any] = {"media": "rtpengine", "rtpengine_ports": 42000}
THROUGH_S = 0.2  # BYE goes another way than the packets, and what rtpengine has not sent on by then ends with the call
OPUS_HZ, OPUS_FRAMES = 48_000, 960


def engines(trunk: Trunk) -> list[psutil.Process]:
    """The trunk's own rtpengine."""
    mark = str(front_folder(trunk.port))
    return [p for p in psutil.process_iter(["name", "cmdline"]) if any(mark in a for a in p.info["cmdline"] or ())
            and p.info["name"] == "rtpengine"]  # fmt: skip


async def heard_tone(trunk: Trunk, rate_hz: int = 8000) -> measure.Tone:
    (left,) = await trunk.wait(CallLeft)
    return measure.find_tone(trunk.legs(left.session)[0].pcm, rate_hz)


async def test_a_phone_that_sends_srtp_is_recorded(tmp_path: Path) -> None:
    async with running(tmp_path / "run", calls=4, **ENGINE) as trunk:
        sound = write_tone(tmp_path / "tone.wav", TONE_HZ, 2)
        plan = CallPlan(
            number=0, uri=f"sip:5003@127.0.0.1:{trunk.port}", sounds=(str(sound),), duration_s=2.2, srtp=True
        )
        with SipCaller([plan]) as caller:
            await asyncio.to_thread(caller.wait, "ended", timeout_s=15)
        tone = await heard_tone(trunk)
        assert tone.frequency_hz == pytest.approx(TONE_HZ, abs=0.2)
        assert tone.frames >= 1.9 * 8000
    assert engines(trunk) == []


async def test_without_it_srtp_is_refused_and_told(tmp_path: Path) -> None:
    async with running(tmp_path / "run", calls=4) as trunk:
        sound = write_tone(tmp_path / "tone.wav", TONE_HZ, 1)
        plan = CallPlan(number=0, uri=f"sip:5003@127.0.0.1:{trunk.port}", sounds=(str(sound),), srtp=True)
        with SipCaller([plan]) as caller:
            (fact,) = (await asyncio.to_thread(caller.wait_over, timeout_s=15)).values()
        assert fact.event == "refused"


def opus_packets(seconds: float, tone_hz: float) -> list[bytes]:
    """A tone as Opus packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.format, encoder.layout = OPUS_HZ, av.AudioFormat("s16"), av.AudioLayout("mono")
    pcm = measure.make_tone(tone_hz, OPUS_HZ, round(seconds * OPUS_HZ), -16)
    made = []
    for first in range(0, len(pcm) - OPUS_FRAMES + 1, OPUS_FRAMES):
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis, first : first + OPUS_FRAMES], "s16", "mono")
        frame.sample_rate = OPUS_HZ
        made += [bytes(packet) for packet in encoder.encode(frame)]
    return made


async def send_opus(target: tuple[str, int], source: socket.socket, seconds: float, tone_hz: float = TONE_HZ) -> None:
    begun_s = time.monotonic()
    for number, payload in enumerate(opus_packets(seconds, tone_hz)):
        await asyncio.sleep(max(0.0, begun_s + number * 0.02 - time.monotonic()))
        header = struct.pack("!BBHII", 0x80, 111, number, number * OPUS_FRAMES, 99)
        source.sendto(header + payload, target)


@pytest.mark.parametrize(("rate_hz", "tone_hz"), [(8000, TONE_HZ), (16000, 6217.0)])
async def test_a_sender_of_opus_is_recorded(tmp_path: Path, caller: Any, rate_hz: int, tone_hz: float) -> None:
    async with running(tmp_path, calls=4, rate_hz=rate_hz, **ENGINE) as trunk:
        port = caller.socket.getsockname()[1]
        offer = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", f"m=audio {port} RTP/AVP 111"]
        offer += ["a=rtpmap:111 opus/48000/2", "a=fmtp:111 useinbandfec=0", "a=sendonly", ""]
        uri, proxy = f"sip:5003@127.0.0.1:{trunk.port}", ("127.0.0.1", trunk.port)
        dialog = await caller.uac.invite(uri, proxy, "4711", {}, "\r\n".join(offer))
        await send_opus(dialog.media[0], caller.socket, 2, tone_hz)
        assert await caller.bye(dialog) == 200
        tone = await heard_tone(trunk, rate_hz)
        assert tone.frequency_hz == pytest.approx(tone_hz, abs=0.2)
        assert tone.frames >= 1.8 * rate_hz


async def test_a_caller_that_keys_by_dtls_is_recorded(tmp_path: Path, caller: Any) -> None:
    """The caller's DTLS is that of another rtpengine, which gets plain packets and sends them on."""
    far = tmp_path / "far"
    far.mkdir()
    async with running(tmp_path, calls=4, **ENGINE) as trunk:
        with Rtpengine(far, (43_000, 43_100)) as engine, Ng(engine.control) as ng:
            ends = {"call_id": "one", "from_tag": "a", "ICE": "remove"}
            sdp = offer_audio(caller.socket.getsockname()[1], 1)
            told = ng.ask(command="offer", sdp=sdp, transport_protocol="UDP/TLS/RTP/SAVPF", **ends)
            uri, proxy = f"sip:5003@127.0.0.1:{trunk.port}", ("127.0.0.1", trunk.port)
            offer = re.sub(r"^.*?3:sdp\d+:", "", told, flags=re.DOTALL).rpartition("\r\n")[0] + "\r\n"
            assert "a=fingerprint:" in offer
            dialog = await caller.uac.invite(uri, proxy, "4711", {}, offer)
            assert "UDP/TLS/RTP/SAVPF" in dialog.answer
            told = ng.ask(command="answer", sdp=dialog.answer, to_tag="b", **ends)
            port = int(re.findall(r"m=audio (\d+)", told)[0])
            await asyncio.sleep(1)  # for the handshake
            dialog.media = (("127.0.0.1", port),)
            await caller.send(dialog, range(100))
            await asyncio.sleep(THROUGH_S)
            assert await caller.bye(dialog) == 200
        (left,) = await trunk.wait(CallLeft)
        assert read_coded(trunk.legs(left.session)[0].pcm, 0).lost(100) == []


async def test_a_plain_siprec_call_loses_nothing_by_it(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=4, **ENGINE) as trunk:
        async with SiprecClient(trunk.port, caller.socket.getsockname()[1]) as client:
            await client.begin(document())
            await caller.send(client, range(50))
            assert await client.offer(["sendonly", "sendonly"]) == 200
            await caller.send(client, range(50, 100))
            await asyncio.sleep(THROUGH_S)
            assert await client.end() == 200
        (left,) = await trunk.wait(CallLeft)
        legs = trunk.legs(left.session)
        assert [read_coded(legs[n].pcm, n).lost(100) for n in (0, 1)] == [[], []]


async def test_a_killed_rtpengine_is_started_again(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=4, **ENGINE) as trunk:
        (engine,) = engines(trunk)
        engine.kill()
        await until(lambda: trunk.tap.status.restarts == 1 and trunk.tap.status.workers_up == 3)
        await asyncio.sleep(2.5)  # Kamailio asks it again after two seconds
        dialog = await caller.call(trunk.port)
        await caller.send(dialog, range(20))
        await asyncio.sleep(THROUGH_S)
        assert await caller.bye(dialog) == 200
        (left,) = await trunk.wait(CallLeft)
        assert trunk.read(left.session).measured["leg0"]["packets"] == 20


async def test_a_dead_workers_calls_give_their_ports_back(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=8, **ENGINE) as trunk:
        (engine,) = engines(trunk)
        idle = len(engine.net_connections("udp"))
        dialogs = [await caller.call(trunk.port) for _ in range(2)]  # one on each worker
        taken = len(engine.net_connections("udp"))
        assert taken > idle
        os.kill(trunk.tap.pids()[0], signal.SIGKILL)
        await until(lambda: len(engine.net_connections("udp")) == (taken + idle) // 2)
        (other,) = [dialog for dialog in dialogs if not dialog.ended.is_set()]
        assert await caller.bye(other) == 200
        await until(lambda: len(engine.net_connections("udp")) == idle)


async def test_audio_outlives_kamailio_and_its_keeper(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=4, **ENGINE) as trunk:
        (engine,) = engines(trunk)
        dialog = await caller.call(trunk.port)
        await caller.send(dialog, range(20))
        for turn in (1, 2):
            os.kill(kamailios(trunk)[0].pid if turn == 1 else trunk.tap.pids()[-1], signal.SIGKILL)
            await caller.send(dialog, range(20 * turn, 20 * turn + 20))
            end_s = time.monotonic() + 10
            while not (trunk.tap.status.restarts == turn and trunk.tap.status.workers_up == 3):
                assert time.monotonic() < end_s
                await asyncio.sleep(0.05)
        assert engines(trunk) == [engine]
        taken = len(engine.net_connections("udp"))
        assert await caller.bye(dialog) == 200
        (left,) = await trunk.wait(CallLeft)
        assert read_coded(trunk.legs(left.session)[0].pcm, 0).lost(60) == []
        await until(lambda: len(engine.net_connections("udp")) < taken)
        assert await caller.bye(await caller.call(trunk.port)) == 200


async def test_an_offer_within_a_call_passes_it_too(tmp_path: Path, caller: Any) -> None:
    async with running(tmp_path, calls=4, **ENGINE) as trunk:
        timer = {"Supported": "timer", "Session-Expires": "90;refresher=uas", "Min-SE": "90"}
        dialog = await caller.call(trunk.port, headers=timer)
        ((_, port),) = dialog.media
        assert port >= ENGINE["rtpengine_ports"]
        dialog.sequence += 1
        answer = await caller.uac._transact(dialog, "UPDATE", dialog.offer)
        assert answer.code == 200
        assert f"m=audio {port} " in answer.body
        assert not answer.one("Session-Expires"), "we refresh no session: our own offer would not pass it"
        await caller.send(dialog, range(20))
        assert await caller.bye(dialog) == 200
        (left,) = await trunk.wait(CallLeft)
        assert trunk.read(left.session).measured["leg0"]["packets"] == 20


async def test_a_late_offer_passes_it_too(tmp_path: Path) -> None:
    async with running(tmp_path / "run", calls=4, **ENGINE) as trunk:
        call = await spoken(trunk, tmp_path, "late_offer", first="ACK", after_s=0.15)
    ((_, port),) = call.targets
    assert port >= ENGINE["rtpengine_ports"]
    assert call.measured["leg0"]["codec"] == "PCMU/8000"
    assert call.coded().lost(call.sent - TAIL) == []
