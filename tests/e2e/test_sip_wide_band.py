"""A whole box with a trunk of 16 kHz: what G.722 carries is in the file and in what is exported, in its place."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator

import av
import numpy as np
import pytest
import soundfile

from appliance.audio import measure
from appliance.recording.verify import verify
from hil.child_box import read_sidecar
from hil.peers.rtp_source import RtpSource, SourceCall
from tests.e2e.conftest import Boxes
from tests.e2e.desk import Desk, check_record

WIDE_HZ, WIDE_FRAME = 16000, 320
PACKETS = 300
BLACKOUT_REACH_S = 5.0


@pytest.fixture(scope="module")
def desk(make_shared_box: Boxes, sip_port: int) -> Iterator[Desk]:
    trunk = {"name": "trunk", "kind": "sip", "front": "none", "port": sip_port, "calls": 4, "rate_hz": WIDE_HZ}
    with Desk(make_shared_box([trunk], recording={"holdback_s": 7})) as at:
        yield at


def export(desk: Desk, form: str, key: str) -> bytes:
    body, _ = desk.box.web(type="export", requestid=1, uniquefield="user2", uniqueid=key, media_format=form)
    return body


async def record(desk: Desk, device: str, port: int, packets: int, codec: str = "G722") -> None:
    call = SourceCall(number=0, uri=f"sip:{device}@127.0.0.1:{port}", streams=2, packets=packets)
    source = RtpSource([call], codec=codec)
    assert [result.code for result in await source.run()] == [200], source.lateness()


async def test_a_wide_band_call_comes_out_of_every_export(desk: Desk, sip_port: int) -> None:
    desk.send("CALLSTART", DEVICEID="5101", USER2="wide")
    await record(desk, "5101", sip_port, PACKETS)
    path = await asyncio.to_thread(desk.stop, "5101")
    told = check_record(path, WIDE_HZ)
    assert (told["rate_hz"], told["channels"]) == (WIDE_HZ, 2)
    assert told["duration_s"] == pytest.approx(PACKETS * 0.02, abs=0.15)
    assert told["gaps"] == []
    assert [leg["frames_lost"] for leg in told["legs"]] == [0, 0]
    assert told["measured"]["leg0"]["codec"] == "G722/16000"

    legs, rate_hz = desk.export("user2", "wide")
    assert rate_hz == WIDE_HZ
    assert len(legs) == told["frames"]
    for leg in (0, 1):
        found = measure.read_coded(np.ascontiguousarray(legs[:, leg]), leg, WIDE_HZ)
        assert (found.lost(PACKETS), found.doubled, found.slips) == ([], 0, [])
    samples, rate_hz = soundfile.read(io.BytesIO(export(desk, "mp3", "wide")), always_2d=True)
    assert (rate_hz, samples.shape) == (WIDE_HZ, legs.shape)
    with av.open(io.BytesIO(export(desk, "m4a", "wide"))) as opened:
        assert opened.streams.audio[0].rate == WIDE_HZ
    vox = np.frombuffer(export(desk, "vox", "wide"), np.uint8)
    assert 2 * len(vox) == pytest.approx(len(legs) / 2, abs=2)  # 8 kHz, two samples an octet
    assert verify(path).good


async def test_a_blackout_is_silence_in_its_place(desk: Desk, sip_port: int) -> None:
    desk.send("CALLSTART", DEVICEID="5102", USER2="dark")
    media = asyncio.create_task(record(desk, "5102", sip_port, 500))
    await asyncio.sleep(7)
    await asyncio.to_thread(desk.send, "BLACKOUTSTART", DEVICEID="5102", TIMEOFFSET=-5)
    await asyncio.sleep(1.5)
    await asyncio.to_thread(desk.send, "BLACKOUTSTOP", DEVICEID="5102")
    await media
    path = await asyncio.to_thread(desk.stop, "5102")
    (dark,) = read_sidecar(path)["blackouts"]
    legs, rate_hz = desk.export("user2", "dark")
    begin, end = round(dark["from_s"] * rate_hz), round(dark["until_s"] * rate_hz)
    assert end - begin == pytest.approx((BLACKOUT_REACH_S + 1.5) * WIDE_HZ, abs=0.5 * WIDE_HZ)
    assert not legs[begin:end].any()
    for leg in (0, 1):
        found = measure.read_coded(np.ascontiguousarray(legs[:, leg]), leg, WIDE_HZ)
        whole = found.positions - found.numbers * WIDE_FRAME
        assert np.ptp(whole) <= 4, "what is not blacked out is in its place"
        seen = (found.positions + WIDE_FRAME <= begin) | (found.positions >= end)
        assert seen.all()
        assert set(found.lost(500)) == set(range(min(found.lost(500)), max(found.lost(500)) + 1))
